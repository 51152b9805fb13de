# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds mstack with plain GNU make. `make help` lists what it can do. Which room links what stands in
# tools/floorplan alone; rooms and tests are found by looking, so a new file needs no line here.

CC	= gcc
B	= build
PREFIX	= /usr/local
DESTDIR	=
# WERROR=-Werror makes warnings fatal (tools/check does), SAN=address,undefined instruments everything.
WERROR	=
SAN	=
# V=1 shows the commands.
V	=

ifeq ($(V),)
.SILENT:
SAY	= @echo
else
SAY	= @:
endif

CFLAGS	= -O2 -g
# Of what tests alone are made of, on top: it runs once, so it is compiled in less time than what it tests.
TEST_CFLAGS = -O1
# TEST_LDFLAGS=-fuse-ld=lld links hundreds of test programs in half the time (tools/check does).
TEST_LDFLAGS =
HARDEN	= -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZED = 0
WARN	= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wwrite-strings
ifneq ($(SAN),)
# _FORTIFY_SOURCE hides calls from the sanitizers, which reserve terabytes of addresses: no limit of our programs' own on these.
SANITIZED = 1
# Lines for the reports, and no more: the rest of -g takes a third of the time to build.
CFLAGS	= -O1 -g1 -fno-omit-frame-pointer
TEST_CFLAGS = -O0
HARDEN	= -fsanitize=$(SAN) -fno-sanitize-recover=all
endif
FLAGS	= -std=gnu17 -D_GNU_SOURCE -Iinclude -Isrc -Itests $(WARN) $(WERROR) $(HARDEN) $(CFLAGS) -DSANITIZED=$(SANITIZED) $(CPPFLAGS)
LINK	= $(CC) $(HARDEN) $(CFLAGS) -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

# ---- the floor plan -------------------------------------------------------------------------------

# Three make variables per room: OPENS_room, HEADERS_room are words of the table, LINKS_room too.
$(foreach word,$(shell awk -F'|' '/^[a-z]/ { for (i = 1; i <= 5; i++) { gsub(/^ +| +$$/, "", $$i); gsub(/ +/, "^", $$i) } \
	print "ROOMS+=" $$1, "OPENS_" $$1 ":=" $$2, "LINKS_" $$1 ":=" $$5 }' tools/floorplan),$(eval $(subst ^, ,$(word))))

# A room and all below it, in the order of the floor plan, which is the order the linker wants.
reach	= $1 $(foreach room,$(OPENS_$1),$(call reach,$(room)))
closure	= $(filter $(sort $(call reach,$1)),$(ROOMS))
flat	= $(subst /,-,$1)
objects	= $(patsubst %.c,$(B)/obj/%.o,$1)
sources	= $(filter-out %/main.c,$(wildcard src/$1/*.c))
# Archives of those of the rooms $1 that have sources; -l options of all of them.
archives = $(foreach room,$1,$(if $(call sources,$(room)),$(B)/lib/lib$(call flat,$(room)).a))
pkgs	= $(sort $(filter-out -l%,$(foreach room,$1,$(LINKS_$(room)))))
libs	= $(if $(call pkgs,$1),$(shell pkg-config --libs $(call pkgs,$1))) $(sort $(filter -l%,$(foreach room,$1,$(LINKS_$(room)))))

ALL_PKGS := $(call pkgs,$(ROOMS))
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(ALL_PKGS)))$(PKG_CFLAGS)

# These goals work on a machine that has none of the libraries yet.
ifneq ($(filter-out up check fuzz lint clean help floorplan,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(ALL_PKGS) && echo yes),yes)
$(error libraries are missing: run `sudo tools/install-deps build` (wanted: $(ALL_PKGS)))
endif
endif

# ---- what is built --------------------------------------------------------------------------------

# Beside mstack, from the rooms of the same folder: mstack-NAME=ROOM.
HELPERS	= mstack-store=store/program mstack-fetch=store/fetch mstack-net=net/names
PROGRAMS := $(B)/mstack $(foreach helper,$(HELPERS),$(B)/$(firstword $(subst =, ,$(helper))))
LIBS	:= $(call archives,$(ROOMS))

TEST_ROOMS := $(foreach room,$(ROOMS),$(if $(wildcard tests/unit/$(room)/test_*.c),$(room)))
tests_of = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/$1/test_*.c))
helpers_of = $(filter-out tests/unit/$1/test_%.c,$(wildcard tests/unit/$1/*.c))
TEST_BINS := $(foreach room,$(or $(ROOM),$(TEST_ROOMS)),$(call tests_of,$(room)))

.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(LIBS) $(PROGRAMS) floorplan

# One archive per room.
define room_rules
$(B)/lib/lib$(call flat,$1).a: $(call objects,$(call sources,$1))
endef
$(foreach room,$(ROOMS),$(if $(call sources,$(room)),$(eval $(call room_rules,$(room)))))

$(B)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(SAY) '  AR  $@'
	$(AR) rcsD $@ $^

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(SAY) '  CC  $@'
	$(CC) $(FLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/tests/unit/%.o: private CFLAGS += $(TEST_CFLAGS)

# Holds the flags of the last build: other flags or another compiler build everything anew.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(FLAGS) $(TEST_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(FLAGS) $(TEST_CFLAGS)' >$@

$(B)/mstack: $(call objects,src/cli/main.c) $(call archives,$(call closure,cli))
	$(SAY) '  LD  $@'
	$(LINK) -o $@ $^ $(call libs,$(call closure,cli))

define helper_rules
$(B)/$1: $(call objects,src/$2/main.c $(if $(SAN),tests/sanitized.c)) $(call archives,$(call closure,$2))
	$$(SAY) '  LD  $$@'
	$$(LINK) -o $$@ $$^ $(call libs,$(call closure,$2))
endef
$(foreach helper,$(HELPERS),$(eval $(call helper_rules,$(firstword $(subst =, ,$(helper))),$(lastword $(subst =, ,$(helper))))))

# PID 1 of containers that want one: without the C library, so that it is small, and carried in mstack itself.
INIT_FLAGS = -std=gnu17 $(WARN) $(WERROR) -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-pic -fno-pie -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack -s

$(B)/init: src/box/init/main.c $(B)/flags
	$(SAY) '  LD  $@'
	$(CC) $(INIT_FLAGS) -o $@ $<

$(B)/obj/src/box/init_image.o: private CPPFLAGS += -DINIT_IMAGE='"$(B)/init"'
$(B)/obj/src/box/init_image.o: $(B)/init

# ---- unit tests -----------------------------------------------------------------------------------

# A test links its room and those below, nothing else; jansson reads the JSON that they write. sup gets scripted rooms in
# place of the real net, store and box.
FAKED	= net store box
FAKES	= $(call objects,$(wildcard tests/fake/*.c))

define test_rules
$(call tests_of,$1): $(B)/unit/%: $(B)/obj/tests/unit/%.o $(call objects,$(call helpers_of,$1)) \
		$(if $(filter sup,$1),$(FAKES)) $(call archives,$(if $(filter sup,$1),$(filter-out $(FAKED),$(call closure,$1)),$(call closure,$1)))
	@mkdir -p $$(@D)
	$$(SAY) '  LD  $$@'
	$$(LINK) $$(TEST_LDFLAGS) -o $$@ $$^ $$(call libs,$(call closure,$1)) -lcmocka -ljansson
endef
$(foreach room,$(TEST_ROOMS),$(eval $(call test_rules,$(room))))

# Tests of store and net call their programs.
test-bins: $(TEST_BINS) $(if $(filter store% net%,$(or $(ROOM),$(TEST_ROOMS))),$(filter $(B)/mstack-%,$(PROGRAMS)))

unit: test-bins
	@tools/run-unit $(TEST_BINS)

# By clang, whose warnings are errors here as well: one compilation for these, for the sanitizers and for the fuzz targets.
SANE	= B=build-clang CC=clang WERROR=-Werror SAN=address,undefined,fuzzer-no-link

asan:
	$(MAKE) $(SANE) all unit

clang:
	$(MAKE) $(SANE) all test-bins fuzz-bins-here

# ---- the rest -------------------------------------------------------------------------------------

# Fuzz targets tests/fuzz/ROOM.c link ROOM and those below; always by clang, in a folder of their own.
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_BINS := $(patsubst %,$(B)/fuzz/%,$(FUZZ_NAMES))
# The room of a target: its name up to the first `-`, or up to the second one for rooms of programs: store-program, net-names.
fuzz_room = $(if $(filter store-program% store-fetch% net-names%,$1),$(subst $() ,/,$(wordlist 1,2,$(subst -, ,$1))),$(firstword $(subst -, ,$1)))
define fuzz_rules
$(B)/fuzz/$1: $(B)/obj/tests/fuzz/$1.o $(call archives,$(call closure,$(call fuzz_room,$1)))
	@mkdir -p $$(@D)
	$$(SAY) '  LD  $$@'
	$$(LINK) $$(TEST_LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(call libs,$(call closure,$(call fuzz_room,$1)))
endef
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_rules,$(name))))

# FUZZ_SECONDS=60 runs each target longer.
fuzz:
	@tools/check fuzz

fuzz-bins:
	$(MAKE) $(SANE) fuzz-bins-here

fuzz-bins-here: $(FUZZ_BINS)

floorplan:
	@tools/check-floorplan

measure: $(LIBS)
	@tools/measure -v $(B)

lint:
	@tools/lint

# SUITES='unit e2e' runs some of them only.
check:
	@tools/check $(SUITES)

# Ctrl-C is how it ends: that is no error.
up:
	tools/install-deps build run
	$(MAKE) all
	trap : INT; $(B)/mstack up examples/hello/stack.yaml || [ $$? = 130 ]

bench: all
	BUILD=$(B) CC='$(CC)' tests/bench/up

bench-run: all
	BUILD=$(B) CC='$(CC)' tests/bench/run

bench-net: all
	BUILD=$(B) CC='$(CC)' tests/bench/traffic
	BUILD=$(B) CC='$(CC)' tests/bench/names
	BUILD=$(B) CC='$(CC)' tests/bench/packets

bench-config: all
	BUILD=$(B) CC='$(CC)' tests/bench/config

bench-supervise: all
	BUILD=$(B) CC='$(CC)' tests/bench/supervise

bench-import: all
	BUILD=$(B) tests/bench/import

# Every 7th point from FROM=1 on; EVERY=1 all of them. PAIRS=60 pairs of stacks from SEED on.
torture: all
	BUILD=$(B) CC='$(CC)' tests/torture/run

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/mstack
	install -m 755 $(filter %/mstack,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(filter $(B)/mstack-%,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/libexec/mstack/
	install -d $(DESTDIR)$(PREFIX)/share/mstack
	install -m 644 tools/dist/mstack.schema.json $(DESTDIR)$(PREFIX)/share/mstack/
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/systemd/user
	sed 's|@BINDIR@|$(PREFIX)/bin|' tools/dist/mstack@.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/mstack@.service
	sed 's|@BINDIR@|$(PREFIX)/bin|' tools/dist/mstack@.user.service >$(DESTDIR)$(PREFIX)/lib/systemd/user/mstack@.service

clean:
	rm -rf build build-*

help:
	@echo 'make              build everything (no root, no network)'
	@echo 'make up           install missing Debian packages, build, run examples/hello (root)'
	@echo 'make check        install what the tests need, build, run the whole suite (root)'
	@echo 'make unit         build and run the unit tests; ROOM=base for those of one room'
	@echo 'make test-bins    build the unit tests only'
	@echo 'make asan         the same in build-clang with AddressSanitizer and UBSan'
	@echo 'make fuzz         run each fuzz target of tests/fuzz for FUZZ_SECONDS=5 (clang)'
	@echo 'make fuzz-bins    build them only, in build-clang'
	@echo 'make clang        build all with clang and its sanitizers, in build-clang, warnings are errors'
	@echo 'make lint         cppcheck, clang --analyze, shellcheck'
	@echo 'make floorplan    judge every include by tools/floorplan'
	@echo 'make measure      print the budgets of the code'
	@echo 'make bench        start-up times beside the bare kernel work (root)'
	@echo 'make bench-run    one container beside crun, runc, bubblewrap and podman; what each safety measure costs (root)'
	@echo 'make bench-net    networks: to make and remove them, and what passes through, beside bare links; names beside dnsmasq, capture beside tcpdump (root)'
	@echo 'make bench-config time and memory of `mstack config` beside docker-compose'
	@echo 'make bench-supervise  exit to running again, health checks, logs and memory of the supervisor (root)'
	@echo 'make bench-import rate of importing an image beside umoci (root)'
	@echo 'make torture      kill the supervisor and its helpers at their system calls, make calls fail, pairs of stacks; EVERY=7 FROM=1 PAIRS=60 (root)'
	@echo 'make install      PREFIX=/usr/local DESTDIR='
	@echo 'make clean        remove build and build-*'
	@echo 'Variables: CC=clang  B=folder  WERROR=-Werror  SAN=address,undefined  CFLAGS=...'

FORCE:
.PHONY: all test-bins unit asan fuzz fuzz-bins fuzz-bins-here clang floorplan measure lint check up torture bench bench-run bench-net bench-config bench-import bench-supervise install clean help FORCE

-include $(patsubst %.o,%.d,$(call objects,$(wildcard src/*/*.c src/*/*/*.c tests/unit/*/*.c tests/unit/*/*/*.c tests/fake/*.c tests/fuzz/*.c)))
