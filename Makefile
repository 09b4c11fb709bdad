# coach_sms: SMS from inside PostgreSQL. `make help` lists the targets; `make` builds.
#
#   1  what is built, and with which flags
#   2  the core, its unit tests, the fake Twilio, the benches: no PostgreSQL needed
#   3  the module: PGXS, build, install, clean
#   4  tests, demo, bench
#   5  care of the tree, help
#
# Variables: PG_CONFIG=/path/to/pg_config  which PostgreSQL (15 to 18)
#            WERROR=1                      warnings are errors
#            FAILPOINTS=1                  with failpoints, for tests; objects in build/test
#            SANITIZE=address,undefined    with sanitizers and failpoints; objects in build/asan (thread: build/tsan)
#            DEBUG=1                       `make install` leaves the debug symbols in the library
#            TESTS=, FILTER=               which tests: make tap TESTS=limits/, make unit FILTER='Segments*'
#            KINDS=, TAP_TESTS=            of `make test`: which kinds, which files of tap
#            DEBIAN=trixie                 where `make test-on` tests
#            FUZZ_SECONDS=300              how long `make fuzz` stays with each target
#            SOAK_SECONDS=, SOAK_MESSAGES=, SOAK_SEED=  the load of `make soak`: test/soak/soak.pl
#            V=1                           shows the commands of a build, in place of one short line a file

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

# 1 ---- What is built, and with which flags ------------------------------------------------------

PG_CONFIG := $(or $(PG_CONFIG),pg_config)
export PG_CONFIG FAILPOINTS SANITIZE WERROR TESTS FILTER
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" coach_sms.control)

VARIANT := $(if $(FUZZ),fuzz,$(if $(filter thread,$(SANITIZE)),tsan,$(if $(SANITIZE),asan,$(if $(FAILPOINTS),test,release))))
BUILD := build/$(VARIANT)
MODULE := $(BUILD)/coach_sms.so
GATEWAY := $(BUILD)/bin/coach_sms_gateway
FAKE_TWILIO := $(BUILD)/bin/fake_twilio
TEST_CLOCK := $(BUILD)/bin/test_clock.so
UNIT_TESTS := $(BUILD)/unit_tests

objects = $(patsubst $(1)/%.cpp,$(BUILD)/$(2)/%.o,$(wildcard $(1)/*.cpp))
CORE_OBJS := $(patsubst src/%.cpp,$(BUILD)/%.o,$(wildcard src/core/*/*.cpp))
PG_OBJS := $(patsubst src/%.cpp,$(BUILD)/%.o,$(wildcard src/pg/*.cpp src/pg/*/*.cpp))
GATEWAY_OBJS := $(patsubst src/%.cpp,$(BUILD)/%.o,$(wildcard src/gateway/*.cpp src/gateway/*/*.cpp))
UNIT_OBJS := $(call objects,test/unit,unit) $(call objects,test/fuzz,replay)
FAKE_OBJS := $(call objects,test/fake_twilio,fake_twilio)
BENCHES := $(patsubst test/bench/%.cpp,$(BUILD)/bin/%,$(wildcard test/bench/*.cpp))

CORE_LIBS := -lcurl -lssl -lcrypto -lphonenumber -licuuc
GATEWAY_LIBS := $(addprefix -L,$(shell $(PG_CONFIG) --libdir 2>/dev/null)) -lpq -lmicrohttpd
LIBPQ_INCLUDE := $(addprefix -isystem ,$(shell $(PG_CONFIG) --includedir 2>/dev/null))
OPTIMIZE := $(if $(SANITIZE),-O1 -fno-omit-frame-pointer,-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2)
SANITIZERS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) $(if $(FUZZ),-fno-sanitize=pointer-overflow) -fno-sanitize-recover=all -U_FORTIFY_SOURCE)
OUR_FLAGS := -std=c++20 -fPIC -MMD -MP -Isrc \
  -Wall -Wextra -Wshadow -Wconversion -Wold-style-cast $(if $(WERROR),-Werror) \
  $(if $(FAILPOINTS)$(SANITIZE),-DCOACH_SMS_FAILPOINTS) $(SANITIZERS)
PLAIN_FLAGS = -g $(OPTIMIZE) $(OUR_FLAGS)

# $(call say,CXX,$<) prints a line before a command that $(Q) hides. `make -s` prints nothing, V=1 the command.
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@echo '$(1) $(2)')

# 2 ---- The core and what needs no PostgreSQL ----------------------------------------------------
# No include path of the server here: a stray #include "postgres.h" in the core does not compile.

$(BUILD)/core/%.o: src/core/%.cpp $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)$(CXX) $(PLAIN_FLAGS) -c -o $@ $<

# The CSV's lines as rows of a C++ table; one of another form does not compile.
TWILIO_ERRORS := $(BUILD)/core/twilio/twilio_errors.inc

$(TWILIO_ERRORS): src/core/twilio/error_codes.csv $(BUILD)/flags
	$(call say,GEN,$@)
	$(Q)sed -E -e 1d -e 's/^([0-9]+),"(.*)",/\1,\2,/' -e 's/""/\\"/g' \
	  -e 's/^([0-9]+),(.*),([a-z_]+),([a-z_]+)$$/{\1, "\2", \3, "\4"},/' $< > $@

$(BUILD)/core/twilio/twilio_errors.o: src/core/twilio/twilio_errors.cpp $(TWILIO_ERRORS) $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)$(CXX) $(PLAIN_FLAGS) -I$(dir $(TWILIO_ERRORS)) -c -o $@ $<

$(BUILD)/unit/%.o: test/unit/%.cpp $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)$(CXX) $(PLAIN_FLAGS) -c -o $@ $<

$(BUILD)/replay/%.o: test/fuzz/%.cpp $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)$(CXX) $(PLAIN_FLAGS) -DCOACH_SMS_REPLAY -c -o $@ $<

$(BUILD)/fake_twilio/%.o: test/fake_twilio/%.cpp $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)$(CXX) $(PLAIN_FLAGS) -c -o $@ $<

$(BUILD)/libcore.a: $(CORE_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(UNIT_TESTS): $(UNIT_OBJS) $(filter-out %/main.o,$(GATEWAY_OBJS)) $(BUILD)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(SANITIZERS) -o $@ $^ -Wl,--as-needed -lgtest_main -lgtest $(GATEWAY_LIBS) $(CORE_LIBS) -pthread

# The gateway needs libpq and libmicrohttpd, but no header of the server.
$(BUILD)/gateway/%.o: src/gateway/%.cpp $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)$(CXX) $(PLAIN_FLAGS) $(LIBPQ_INCLUDE) -c -o $@ $<

$(BUILD)/gateway/main.o: PLAIN_FLAGS += -DCOACH_SMS_VERSION='"$(EXTVERSION)"'
$(BUILD)/gateway/main.o: coach_sms.control

$(GATEWAY): $(GATEWAY_OBJS) $(BUILD)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(SANITIZERS) -o $@ $^ $(LDFLAGS) -Wl,--as-needed $(GATEWAY_LIBS) $(CORE_LIBS) -pthread

$(FAKE_TWILIO): $(FAKE_OBJS)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(SANITIZERS) -o $@ $^ -lmicrohttpd -lcurl -lcrypto -pthread

# Without sanitizers: it is loaded into servers, and before them into pg_ctl.
$(TEST_CLOCK): test/tools/test_clock.cpp $(BUILD)/flags
	$(call say,LINK,$@)
	$(Q)$(CXX) -std=c++20 -O2 -g -Wall -Wextra -fPIC -shared -o $@ $<

$(BUILD)/bin/%: test/bench/%.cpp $(BUILD)/libcore.a $(BUILD)/flags
	$(call say,LINK,$@)
	$(Q)$(CXX) $(PLAIN_FLAGS) -o $@ $(filter-out %/flags,$^) -Wl,--as-needed $(BENCH_LIBS) $(CORE_LIBS) -pthread

$(BUILD)/bin/core_bench: BENCH_LIBS = -lbenchmark

# libFuzzer comes with clang: a build of its own, of the core alone.
$(BUILD)/bin/fuzz_%: test/fuzz/%.cpp $(BUILD)/libcore.a $(BUILD)/flags
	$(call say,LINK,$@)
	$(Q)$(CXX) $(PLAIN_FLAGS) -fsanitize=fuzzer -o $@ $(filter %.cpp %.o,$^) $(BUILD)/libcore.a $(CORE_LIBS)

$(BUILD)/bin/fuzz_called_url: $(BUILD)/gateway/called_url.o

# Rebuilds everything when the compiler, a flag or the PostgreSQL changes.
$(BUILD)/flags: FORCE
	@mkdir -p $(sort $(dir $(CORE_OBJS) $(PG_OBJS) $(GATEWAY_OBJS))) $(addprefix $(BUILD)/,unit replay fake_twilio bin)
	@echo '$(CXX) $(PLAIN_FLAGS) $(PG_CONFIG) $(VERSION)' | cmp -s - $@ || \
	  echo '$(CXX) $(PLAIN_FLAGS) $(PG_CONFIG) $(VERSION)' > $@

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

# With BINDIR, also puts the test programs there (test/tools/with_private_pg.sh). Only `make bench` asks for the benches.
programs: $(FAKE_TWILIO) $(TEST_CLOCK) $(if $(WITH_BENCHES),$(BENCHES))
	$(if $(BINDIR),$(Q)cp $^ $(BINDIR))

# 3 ---- The module -------------------------------------------------------------------------------

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifeq ($(wildcard $(PGXS)),)

all install uninstall:
	@echo "coach_sms: PostgreSQL's server development files are missing (no PGXS through PG_CONFIG=$(PG_CONFIG)); \`make deps\` installs them, PG_CONFIG=... names another server." >&2
	@exit 2

clean:
	rm -rf build coach_sms--*.sql

else

EXTENSION := coach_sms
INSTALL_PARTS := $(sort $(wildcard sql/install/*.sql sql/install/*/*.sql))
INSTALL_SCRIPT_BUILT := coach_sms--$(EXTVERSION).sql
DATA := $(wildcard sql/upgrade/*--*--*.sql)
DATA_built := $(INSTALL_SCRIPT_BUILT)
EXTRA_CLEAN := build

# Debian's PGXS would also compile bitcode, with a clang too old for this C++ and for a use we have not.
override with_llvm := no
include $(PGXS)

ifneq ($(filter $(MAJORVERSION),15 16 17 18),$(MAJORVERSION))
$(error coach_sms supports PostgreSQL 15 to 18, and $(PG_CONFIG) is of $(VERSION); set PG_CONFIG)
endif

# The gateway is built where its libraries are.
HAS_GATEWAY := $(shell $(CXX) -E -x c++ $(LIBPQ_INCLUDE) -include libpq-fe.h -include microhttpd.h /dev/null >/dev/null 2>&1 && echo yes)

all: $(MODULE) $(if $(HAS_GATEWAY),$(GATEWAY),no-gateway)
install: install-module $(if $(HAS_GATEWAY),install-gateway)
uninstall: uninstall-module

no-gateway:
	@echo 'coach_sms_gateway is left out: `make deps` installs its libraries, libpq-dev and libmicrohttpd-dev.'

# Linked here and not as MODULE_big, which knows only one variant and links with the C compiler.
$(MODULE): $(CORE_OBJS) $(PG_OBJS) src/exports.map
	$(call say,LINK,$@)
	$(Q)$(CXX) $(SANITIZERS) -shared -o $@ $(filter %.o,$^) -Wl,--version-script=src/exports.map \
	  $(LDFLAGS) $(LDFLAGS_SL) -Wl,--as-needed $(CORE_LIBS)

$(BUILD)/pg/%.o: src/pg/%.cpp $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)$(CXX) $(CXXFLAGS) $(OUR_FLAGS) $(DEFINES) \
	  -isystem $(includedir_server) -isystem $(includedir_internal) $(CPPFLAGS) $(SANITIZERS) -c -o $@ $<

KNOWS_VERSION := $(patsubst src/%.cpp,$(BUILD)/%.o,$(shell grep -rl COACH_SMS_VERSION src/pg --include=*.cpp))
$(KNOWS_VERSION): DEFINES = -DCOACH_SMS_VERSION='"$(EXTVERSION)"'
$(KNOWS_VERSION): coach_sms.control

$(INSTALL_SCRIPT_BUILT): $(INSTALL_PARTS) $(wildcard sql/install sql/install/*/) coach_sms.control
	$(call say,CAT,$@)
	$(Q)cat $(INSTALL_PARTS) > $@

# The part of the newest upgrade script that follows from the install script; check-tree compares.
upgrade-script:
	perl test/tools/upgrade_script.pl

# doc/reference.md from the comments in the database and the source; test/tap/docs/reference.pl compares.
reference:
	+@rm -f build/results/reference.md
	+FAILPOINTS=1 COACH_SMS_WRITE=1 TESTS=docs/reference $(PRIVATE_PG) test/tools/run_tap.sh
	cp build/results/reference.md doc/reference.md

# doc/examples/week.sql under a clock that moves.
week:
	+@FAILPOINTS=1 TESTS=docs/week $(PRIVATE_PG) test/tools/run_tap.sh
	@cat build/results/week

# Without debug symbols, nine tenths of its weight; $(MODULE) keeps them, and has the same build id.
install-module: $(MODULE)
	$(call say,INSTALL,$(DESTDIR)$(pkglibdir)/coach_sms.so)
	$(Q)$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(Q)$(INSTALL_SHLIB) $(MODULE) '$(DESTDIR)$(pkglibdir)/coach_sms.so'
	$(if $(DEBUG)$(FAILPOINTS)$(SANITIZE),,$(Q)$(STRIP_SHARED_LIB) '$(DESTDIR)$(pkglibdir)/coach_sms.so')

install-gateway: $(GATEWAY)
	$(call say,INSTALL,$(DESTDIR)$(bindir)/coach_sms_gateway)
	$(Q)$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(Q)$(INSTALL_PROGRAM) $(GATEWAY) '$(DESTDIR)$(bindir)/coach_sms_gateway'
	$(Q)$(MKDIR_P) '$(DESTDIR)$(mandir)/man8'
	$(Q)$(INSTALL_DATA) doc/coach_sms_gateway.8 '$(DESTDIR)$(mandir)/man8/'

uninstall-module:
	rm -f '$(DESTDIR)$(pkglibdir)/coach_sms.so' '$(DESTDIR)$(bindir)/coach_sms_gateway' \
	  '$(DESTDIR)$(mandir)/man8/coach_sms_gateway.8'

endif

# 4 ---- Tests, demo, bench -----------------------------------------------------------------------
# Tests build with failpoints, demo and bench what is released. Each brings a private PostgreSQL.

TESTS_MAKE := +$(MAKE) --no-print-directory FAILPOINTS=1
PRIVATE_PG := test/tools/with_private_pg.sh

demo: install-deps-build-demo
	+$(MAKE) --no-print-directory all programs
	+FAILPOINTS= SANITIZE= $(PRIVATE_PG) bash test/demo.sh

test: install-deps-build-demo-test
	+test/tools/run_tests.sh

test-on:
	@$(if $(DEBIAN),,echo 'which? make test-on DEBIAN=trixie' >&2; exit 2)
	test/tools/test_on.sh $(DEBIAN)

test-asan: install-deps-build-demo-test
	+SANITIZE=address,undefined test/tools/run_tests.sh

test-tsan: install-deps-build-test
	+$(MAKE) --no-print-directory SANITIZE=thread unit_tests

unit:
	$(TESTS_MAKE) unit_tests

unit_tests: $(UNIT_TESTS)
	test/tools/run_unit.sh $(UNIT_TESTS)

build-unit: $(UNIT_TESTS)

valgrind: install-deps-build-test-valgrind
	$(TESTS_MAKE) unit_tests_under_valgrind

# libphonenumber's tables live to the end, held by pointers into their middle: "possibly lost".
DEFINITE_LEAKS := --show-leak-kinds=definite --errors-for-leak-kinds=definite

unit_tests_under_valgrind: $(UNIT_TESTS)
	COACH_SMS_TEST_SECONDS=1200 valgrind --quiet --leak-check=full $(DEFINITE_LEAKS) --error-exitcode=1 $(UNIT_TESTS) --gtest_filter='$(or $(FILTER),*)'

FUZZ_TARGETS := $(or $(TESTS),$(patsubst test/fuzz/%.cpp,%,$(wildcard test/fuzz/*.cpp)))
FUZZ_SECONDS := 300

fuzz: install-deps-build-lint-fuzz
	+$(MAKE) --no-print-directory FUZZ=1 FAILPOINTS= CXX=clang++ SANITIZE=fuzzer-no-link,address,undefined run_fuzz

run_fuzz: $(patsubst %,$(BUILD)/bin/fuzz_%,$(FUZZ_TARGETS))
	test/tools/run_fuzz.sh $(BUILD) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fake:
	$(TESTS_MAKE) fake_selftest

fake_selftest: $(FAKE_TWILIO)
	test/tools/run_fake.sh $(FAKE_TWILIO)

regress statements isolation pgtap tap:
	+FAILPOINTS=1 $(PRIVATE_PG) test/tools/run_$@.sh

soak: install-deps-build-demo-test
	+FAILPOINTS=1 $(PRIVATE_PG) test/tools/run_tap.sh soak 'test/soak/*.pl'

check-demo:
	+FAILPOINTS=1 $(PRIVATE_PG) test/tools/check_demo.sh

# Pictures of the demo's pages for doc/office.md.
screenshots: install-deps-build-demo-test
	+$(MAKE) --no-print-directory all programs
	+FAILPOINTS= SANITIZE= $(PRIVATE_PG) test/tools/screenshots.sh
	mkdir -p doc/pictures && cp build/results/pictures/*.png doc/pictures/

check-release:
	+$(MAKE) --no-print-directory FAILPOINTS= SANITIZE= DEBUG= DESTDIR='$(CURDIR)/build/installed' install
	test/tools/check_release.sh build/release/coach_sms.so build/installed$(pkglibdir)/coach_sms.so

bench: install-deps-build-demo-bench
	+$(MAKE) --no-print-directory WITH_BENCHES=1 all programs
	$(if $(BENCH_ONLY),,$(BUILD)/bin/core_bench)
	+FAILPOINTS= SANITIZE= WITH_BENCHES=1 $(PRIVATE_PG) bash test/bench/run.sh
	@perl test/bench/figures.pl keep

# The last run's figures in doc/performance.md; BENCH_QUICK=1 takes those of the last quick run.
bench-table:
	perl test/bench/figures.pl table

# 5 ---- Care of the tree, help -------------------------------------------------------------------

# cppcheck 2.10 takes a string_view for the owner of its text, and the arms of ?: for a sequence.
CPPCHECK_IS_WRONG_ABOUT := internalAstError unknownMacro returnDanglingLifetime accessMoved
OUR_SOURCES = $(wildcard src/*/*.[ch]pp src/*/*/*.[ch]pp test/unit/*.[ch]pp test/fuzz/*.[ch]pp test/fake_twilio/*.[ch]pp test/bench/*.[ch]pp test/tools/*.cpp)

lint: install-deps-build-demo-test-bench-lint $(TWILIO_ERRORS)
	clang-format --dry-run -Werror $(OUR_SOURCES)
	clang-tidy --quiet $(filter-out src/pg/%,$(filter %.cpp,$(OUR_SOURCES))) -- -std=c++20 -Isrc -I$(dir $(TWILIO_ERRORS)) \
	  $(LIBPQ_INCLUDE) -DCOACH_SMS_VERSION='"$(EXTVERSION)"'
	clang-tidy --quiet $(filter src/pg/%.cpp,$(OUR_SOURCES)) -- -std=c++20 -Isrc \
	  -isystem $(includedir_server) -DCOACH_SMS_FAILPOINTS -DCOACH_SMS_VERSION='"$(EXTVERSION)"'
	cppcheck --quiet --std=c++20 --language=c++ --enable=warning,performance,portability \
	  --inline-suppr --library=googletest \
	  $(addprefix --suppress=,$(CPPCHECK_IS_WRONG_ABOUT)) --error-exitcode=1 -Isrc src test/unit test/fake_twilio test/tools

format: install-deps-lint
	clang-format -i $(OUR_SOURCES)

tests-list:
	@perl test/tools/tests_list.pl

check-tree:
	test/tools/check_tree.sh

deps:
	test/tools/deps.sh

install-deps-%:
	@QUIET=1 test/tools/deps.sh $(subst -, ,$*)

help:
	@echo 'make              build the extension'
	@echo 'make deps         install what building needs from Debian (says the list first)'
	@echo 'make install      install it into the PostgreSQL of PG_CONFIG (make uninstall takes it away)'
	@echo 'make demo         from nothing to a delivered message, on a private server; leaves nothing behind'
	@echo 'make week         a week of bookings and their texts in seconds: doc/week.md'
	@echo 'make test         every test: unit, fake, check-tree, check-release, check-demo, regress, statements,'
	@echo '                  isolation, pgtap, tap, soak; each is a target too'
	@echo 'make test-on DEBIAN=trixie  the same on another release of Debian, in a throw-away root (takes root)'
	@echo 'make tests-list   each test file with its first sentence'
	@echo 'make test-asan    the same with address and undefined-behaviour sanitizers'
	@echo 'make test-tsan    the unit tests with the thread sanitizer'
	@echo 'make screenshots  pictures of the demo'"'"'s pages, in doc/pictures'
	@echo 'make soak         five minutes of load with mixed faults: SOAK_SECONDS, SOAK_MESSAGES, SOAK_SEED'
	@echo 'make valgrind     the unit tests under valgrind'
	@echo 'make fuzz         libFuzzer, FUZZ_SECONDS=300 for each target'
	@echo 'make bench        how fast it is, beside what it could be'
	@echo 'make bench-table  write the figures of the last bench into doc/performance.md'
	@echo 'make lint         clang-format, clang-tidy, cppcheck (make format formats)'
	@echo 'make check-tree   rules of the tree that a compiler cannot check'
	@echo 'make upgrade-script  write functions, views and comments that changed into sql/upgrade'
	@echo 'make reference    write doc/reference.md'
	@echo 'make clean        remove what was built'
	@echo
	@echo 'One test:  make unit FILTER="Segments*"   make regress TESTS=enqueue   make tap TESTS=sending/live'
	@echo 'Variables: PG_CONFIG, WERROR=1, FAILPOINTS=1, SANITIZE=..., V=1 (shows commands): see the head of the Makefile'

.PHONY: all no-gateway install uninstall install-gateway install-module uninstall-module clean programs demo test test-on test-asan test-tsan unit unit_tests build-unit \
  unit_tests_under_valgrind valgrind fuzz run_fuzz fake fake_selftest regress statements isolation pgtap tap soak check-demo check-release screenshots bench bench-table lint format tests-list check-tree upgrade-script reference week deps help FORCE
