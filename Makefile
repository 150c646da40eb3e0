# SPDX-License-Identifier: Apache-2.0
# A thin front to Meson: make help lists the targets. Everything it needs comes from tools/deps.

BUILD        ?= build
BUILDTYPE    ?= release
FUZZ_SECONDS ?= 60
MESON_TEST   := meson test --print-errorlogs --no-rebuild
SOURCES      := git ls-files '*.h' '*.cc'
# -O1 and line tables spare the compiler minutes a file of lanes. GCC 12 sees overflows in what the
# sanitizers add to inlined code. make build judges warnings.
SANITIZED    := --buildtype=custom -Doptimization=1 -Ddebug=true -Dcpp_args=-g1 -Dwerror=false
# One build for tests and fuzzers, by clang: libFuzzer needs it, and over what
# UndefinedBehaviorSanitizer adds to large files GCC took twice as long.
MAKE_ASAN    := CXX=clang++-14 meson setup build-asan -Dfuzz=true -Db_sanitize=address,undefined $(SANITIZED)
# The other sanitizers end a program by themselves.
asan fuzz: export UBSAN_OPTIONS := halt_on_error=1:print_stacktrace=1

.PHONY: help deps build demo test bench format lint asan tsan msan fuzz clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /|/' | awk -F'|' '{printf "  make %-9s %s\n", $$1, $$2}'

deps: ## install the Debian packages that are missing
	@tools/deps

build: deps ## compile everything into build/
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --buildtype=$(BUILDTYPE)
	@ninja -C $(BUILD)

demo: build ## a tamperer and a peer that cheats among six nodes; then an overlay comes about and heals
	@python3 tests/scenario/demo.py --build $(BUILD)
	@python3 tests/scenario/demo_overlay.py --build $(BUILD)

test: build ## unit, kernel, lint and scenario tests
	$(MESON_TEST) -C $(BUILD)

lint: build ## include rules, headers alone, kernel exports, format
	$(MESON_TEST) -C $(BUILD) --suite lint

format: deps ## clang-format everything in place
	@$(SOURCES) | xargs clang-format-14 -i

reference: build ## write the pages of docs/reference that follow from lists in the code
	@$(BUILD)/tests/lint/write_reference docs/reference

bench: build ## cycles per message, each stage and the whole way
	@tools/bench $(BUILD)

asan: deps ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@[ -f build-asan/build.ninja ] || $(MAKE_ASAN)
	@ninja -C build-asan
	$(MESON_TEST) -C build-asan --timeout-multiplier 4 --no-suite lint

tsan: deps ## all tests under ThreadSanitizer
	@[ -f build-tsan/build.ninja ] || meson setup build-tsan -Db_sanitize=thread $(SANITIZED)
	@ninja -C build-tsan
	$(MESON_TEST) -C build-tsan --timeout-multiplier 6 --no-suite lint

msan: deps ## the vector lanes under MemorySanitizer: no verdict from bytes nobody wrote
	@[ -f build-msan/build.ninja ] || CXX=clang++-14 meson setup build-msan --buildtype=debugoptimized -Db_sanitize=memory
	@ninja -C build-msan tests/crypto/crypto_lanes_initialized_test tests/crypto/lane_inputs.bin
	$(MESON_TEST) -C build-msan crypto_lanes_initialized

fuzz: build ## random checks (RANDOM_CHECKS), and each libFuzzer target for FUZZ_SECONDS (60)
	@[ -f build-asan/build.ninja ] || $(MAKE_ASAN)
	@tools/fuzz build-asan $(FUZZ_SECONDS) $(BUILD)

clean: ## remove all build directories
	rm -rf $(BUILD) build-asan build-tsan build-msan
