# What people do with this repository. Each target installs what it needs first, and says nothing if all is there.

.PHONY: help setup build demo test soak recipes-report lint check docs

CARGO ?= cargo

help: ## Say what can be done
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 24

setup: ## Install what the build and the tests need (on Debian and Ubuntu; elsewhere, say what it is)
	@.ci/setup

build: setup ## Build target/debug/concertina
	@$(CARGO) build --quiet --locked

demo: setup ## Change a live shop's schema while an old and a new client write to it
	@$(CARGO) build --quiet --locked --bins --example demo
	@target/debug/examples/demo

test: setup ## Run all tests, on a PostgreSQL of their own
	@$(CARGO) test --quiet --locked

# The servers make and drop thousands of small databases: in memory where there is such a folder.
soak: export TMPDIR := $(shell [ -d /dev/shm ] && [ -w /dev/shm ] && echo /dev/shm || echo $${TMPDIR:-/tmp})
soak: setup ## Prove CONCERTINA_SOAK_CASES (10,000) random releases, for hours
	@$(CARGO) test --quiet --locked --test it -- random::nothing_is_refuted_in_many_cases --ignored --nocapture

recipes-report: setup ## Measure every recipe while clients write, for a quarter of an hour: docs/recipes-report.md
	@$(CARGO) test --quiet --locked --test it -- recipes_report::report --ignored --nocapture

lint: setup ## Look for what the compiler lets pass
	@$(CARGO) fmt --check
	@$(CARGO) clippy --quiet --locked --all-targets -- -D warnings

docs: setup ## Build the pages of the library
	@RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --locked --no-deps

check: lint test docs ## All of these
