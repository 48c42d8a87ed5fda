//! The messages of this system, and the types that they carry.
//!
//! There is one module for each service that publishes messages; a compensation is in the module of the service that
//! receives it. Every message belongs to the story of one order: its key is the order's id, and it carries what the
//! services after it need.
//!
//! A new field that subscribers of yesterday can ignore keeps the version; every other change needs a new one.

mod macros;

pub mod customer;
pub mod delivery;
pub mod email;
pub mod gateway;
pub mod ids;
pub mod inventory;
pub mod money;
pub mod notify;
pub mod order;
pub mod payment;
pub mod reason;
pub mod text;
pub mod wallet;
pub mod words;

pub use customer::{CONTACT_SUBJECT, Contact, ContactRequest};
pub use delivery::{CancelDelivery, DeliveryAssigned};
pub use email::EmailAddress;
pub use gateway::CreateOrder;
pub use ids::{CustomerId, DeliveryId, OperationId, OrderId, PaymentId};
pub use inventory::CreatePayment;
pub use money::{Currency, Money};
pub use notify::CustomerNotified;
pub use order::{Address, CancelOrder, Confirmation, CreateDelivery, Line, News, OrderUpdated, ReserveStock};
pub use payment::{CancelPayment, DebitWallet, ExpirePayment, OrderConfirmed, PaymentCreated, RetryDebit};
pub use reason::CancelReason;
pub use text::{AddressLine, Description, Name};
pub use wallet::{DebitRefused, RefundWallet, WalletDebited};
pub use words::{Sku, Zone};

/// The name space of the message types, as in `shop.order-confirmed.v1`.
pub const NAMESPACE: &str = "shop";
