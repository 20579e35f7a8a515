# A thin front of Meson. Everything that is built lands in build/.
PREFIX ?= /usr/local
BUILD := build/release
# where tools/setup puts what the system's libraries are too old for
PRIVATE := $(or $(BREAKWATER_PREFIX),.prefix)
FUZZ_SECONDS ?= 60

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@tools/setup
	@mkdir -p build && { meson setup $(BUILD) -Dprefix=$(PREFIX) "-Dprivate_prefix=$(PRIVATE)" -Dunit_tests=disabled \
		>build/setup.log || { cat build/setup.log; exit 1; }; }

setup:
	@tools/setup

demo: all
	@tools/setup --peers --demo
	@ninja -C $(BUILD) guard_sim
	@tools/demo $(BUILD)/breakwater

test:
	@tools/setup --check --peers
	@tools/test

bench: all
	@tools/setup --peers --bench --work --demo
	@ninja -C $(BUILD) guard_sim
	@tools/bench $(BUILD)/breakwater $(BENCH_OPTIONS)

fuzz:
	@tools/setup --check
	@tools/fuzz --seconds $(FUZZ_SECONDS)

install: all
	@meson configure $(BUILD) -Dprefix=$(PREFIX) && ninja -C $(BUILD) && meson install -C $(BUILD) --no-rebuild
	@echo "next: docs/service.md, or breakwater help init"

uninstall: $(BUILD)/build.ninja
	@ninja -C $(BUILD) uninstall

help:
	@echo "make            set up what is missing, build"
	@echo "make demo       play the exchange with real data, and (as root) the guard with a real Samba, and two countries"
	@echo "make test       every test; ends with N passed, N failed"
	@echo "make bench      the table of figures; BENCH_RESUME=1 goes on, BENCH_OPTIONS='--objects 10000000'"
	@echo "make fuzz       FUZZ_SECONDS=60 for each parser"
	@echo "make install    to PREFIX=/usr/local (DESTDIR is honoured)"
	@echo "make uninstall  takes away what the last install put there, and no data"

.PHONY: all setup demo test bench fuzz install uninstall help
