# Settings of the shop on one machine, each with its default; a variable that is set already keeps its value.
# To be sourced by a POSIX shell: . deploy/env.sh
# shellcheck shell=sh

# shellcheck disable=SC2089 # the inner quotes are for nats.conf
: "${NATS_PORT:=4222}" "${NATS_MONITOR_PORT:=8222}" "${NATS_STORE_DIR:="'.data/nats'"}"
: "${NATS_URL:=nats://127.0.0.1:$NATS_PORT}"
# shellcheck disable=SC2090
export NATS_PORT NATS_MONITOR_PORT NATS_STORE_DIR NATS_URL
: "${NATS_MONITOR_URL:=http://127.0.0.1:$NATS_MONITOR_PORT}"
export NATS_MONITOR_URL

: "${ORDER_PORT:=8081}" "${PAYMENT_PORT:=8082}" "${DELIVERY_PORT:=8083}" "${NOTIFY_PORT:=8084}" "${INVENTORY_PORT:=8085}"
: "${WALLET_PORT:=8086}" "${CUSTOMER_PORT:=8087}" "${GATEWAY_PORT:=8080}"
export ORDER_PORT PAYMENT_PORT DELIVERY_PORT NOTIFY_PORT INVENTORY_PORT WALLET_PORT CUSTOMER_PORT GATEWAY_PORT

# Where the gateway finds the services: several instances of one are separated by commas.
: "${ORDER_URL:=http://127.0.0.1:$ORDER_PORT}" "${PAYMENT_URL:=http://127.0.0.1:$PAYMENT_PORT}"
: "${DELIVERY_URL:=http://127.0.0.1:$DELIVERY_PORT}" "${NOTIFY_URL:=http://127.0.0.1:$NOTIFY_PORT}"
: "${INVENTORY_URL:=http://127.0.0.1:$INVENTORY_PORT}" "${CUSTOMER_URL:=http://127.0.0.1:$CUSTOMER_PORT}"
: "${WALLET_URL:=http://127.0.0.1:$WALLET_PORT}"
export ORDER_URL PAYMENT_URL DELIVERY_URL NOTIFY_URL INVENTORY_URL CUSTOMER_URL WALLET_URL

# For development only. nats.conf lists the characters that a password may contain.
: "${ADMIN_PASSWORD:=admin-dev}" "${ORDER_PASSWORD:=order-dev}" "${INVENTORY_PASSWORD:=inventory-dev}"
: "${PAYMENT_PASSWORD:=payment-dev}" "${DELIVERY_PASSWORD:=delivery-dev}" "${NOTIFY_PASSWORD:=notify-dev}"
: "${CUSTOMER_PASSWORD:=customer-dev}" "${GATEWAY_PASSWORD:=gateway-dev}" "${WALLET_PASSWORD:=wallet-dev}"
export ADMIN_PASSWORD ORDER_PASSWORD INVENTORY_PASSWORD PAYMENT_PASSWORD DELIVERY_PASSWORD NOTIFY_PASSWORD
export CUSTOMER_PASSWORD GATEWAY_PASSWORD WALLET_PASSWORD
