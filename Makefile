# Every job by its name. CI runs nothing that is not here.
# Needs cargo (rustup), a C compiler, python3 and curl; what else is needed is put into .tools.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run-all test check bench provision dead-letters clean-data tools

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run-all: ## Run the whole shop on this machine; Ctrl-C stops it
	@deploy/run-all.sh

test: tools ## Run every test, with a real nats-server
	cargo build --workspace --bins
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo test --workspace

check: tools ## Check format, lints, documentation and nats.conf
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	for features in "" sqlite jetstream testing sqlite,jetstream,testing; do \
		cargo clippy --quiet -p choreography --no-default-features --features "$$features" -- -D warnings; \
		RUSTDOCFLAGS="-D warnings" cargo doc --quiet -p choreography --no-deps --no-default-features --features "$$features"; \
	done
	. deploy/env.sh && .tools/bin/nats-server -t -c nats.conf
	if command -v shellcheck >/dev/null; then shellcheck -x deploy/*.sh .ci/run; else echo "shellcheck is not installed: scripts not checked"; fi

bench: tools ## Measure orders per second and latency; options in ARGS="..."
	cargo build --release --workspace --bins
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo run --release -p shop-tests --bin bench -- $(ARGS)

provision: ## Make the streams and consumers at NATS_URL, or bring them up to date
	. deploy/env.sh && cargo run --release --bin provision

dead-letters: ## Find, show and repair what died; what to do in ARGS="..." (--help explains it)
	@. deploy/env.sh && DEAD_LETTERS_TYPED_AS="make dead-letters ARGS='%'" \
		cargo run --release --quiet -p choreography-dead-letters --bin dead-letters -- $(ARGS)

clean-data: ## Delete what the shop on this machine knows: orders, messages, mails (.data)
	@. deploy/env.sh; if (: <"/dev/tcp/127.0.0.1/$$NATS_PORT") 2>/dev/null; then echo "clean-data: something is running at port $$NATS_PORT: stop the shop first" >&2; exit 1; fi
	rm -rf .data

tools:
	@deploy/get-nats-server.sh
