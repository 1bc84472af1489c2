# cxai: build, test and install.
#
## make setup           install the Debian packages that building and testing need
## make                 build the library, the program and its man page in build/
## make demo            explain the embedded photos, into build/demo/
## make check           build and run all tests
## make node-tests      write the node tests of the newest onnx (PYTHON must
##                      have it), which check then runs too
## make sanitize        the tests under AddressSanitizer and UBSan
## make memcheck        the tests under valgrind
## make fuzz            run the fuzzers for FUZZ_SECONDS each
## make bench           time beside other libraries (BENCH='OPTIONS MODEL...')
## make heat-shares     how much of each method's heat lies on the objects of the
##                      embedded photos (METHOD=name: of one)
## make zoo-check       compare full-size networks with torch (ZOO=folder)
## make lint            formatting, include rules, warnings of two compilers
## make install         into DESTDIR/PREFIX; make uninstall removes it again
## make setup demo      and
## make setup check     do both on a fresh machine

VERSION = 0.1.0
SOVERSION = 0

PREFIX ?= /usr/local
BUILD ?= build
CC ?= cc
PROTOC_C ?= protoc-c
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O3 -g

# DOUBLE=1 builds the same sources with 64-bit reals, for gradient checks.
# SANITIZE=address,undefined (or thread) builds with sanitizers.
# WERROR=1 turns warnings into errors.

# lapacke: principal components; its own BLAS runs one thread
LIBRARIES = libpng libjpeg libprotobuf-c libcjson nettle lapacke
# read where it is found: WebP pictures
OPTIONAL_LIBRARIES = libwebp
TEST_LIBRARIES = cmocka
SETUP_PACKAGES = build-essential pkg-config libpng-dev libjpeg62-turbo-dev \
  libprotobuf-c-dev protobuf-c-compiler libcjson-dev nettle-dev \
  liblapacke-dev libwebp-dev
CHECK_PACKAGES = libcmocka-dev libonnx-testdata clang clang-format clang-tidy \
  valgrind

WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wdouble-promotion -Wundef
DEFINES = -D_DEFAULT_SOURCE -DCXAI_VERSION='"$(VERSION)"' \
  $(if $(DOUBLE),-DCXAI_DOUBLE)
INCLUDES = -Iinclude -I$(BUILD)/gen
# the thread sanitizer does not see through GNU OpenMP's barriers, and clang may
# have none; what its pragmas alone use is then unused
WITHOUT_OPENMP = -Wno-unknown-pragmas -Wno-unused-variable \
  -Wno-unused-parameter -Wno-unused-function
OPENMP = $(if $(findstring thread,$(SANITIZE)),$(WITHOUT_OPENMP),-fopenmp)
SANITIZERS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) \
  -fno-sanitize-recover=all -fno-omit-frame-pointer)
LANGUAGE = -std=c11 -fno-math-errno -fno-trapping-math \
  -fvisibility=hidden -fPIC

ALL_CFLAGS = $(LANGUAGE) $(CFLAGS) $(WARNINGS) $(if $(WERROR),-Werror) \
  $(OPENMP) $(SANITIZERS) $(DEFINES) $(INCLUDES) $(LIBRARY_CFLAGS)
ALL_LDFLAGS = $(LDFLAGS) $(OPENMP) $(SANITIZERS)

# With setup among the goals nothing can be asked of the machine yet; the other
# goals then run in a make of their own.
ifneq ($(filter-out setup clean help uninstall node-tests,$(or $(MAKECMDGOALS),all)),)
ifeq ($(filter setup,$(MAKECMDGOALS)),)
MISSING := $(shell for p in $(LIBRARIES); do \
  $(PKG_CONFIG) --exists $$p || echo $$p; done)
ifneq ($(MISSING),)
$(error cannot find $(MISSING) with $(PKG_CONFIG); \
  on Debian or Ubuntu, `make setup` installs what the build needs)
endif
endif
endif
FOUND := $(shell for p in $(OPTIONAL_LIBRARIES); do \
  $(PKG_CONFIG) --exists $$p 2>/dev/null && echo $$p; done)
LIBRARIES += $(FOUND)
DEFINES += $(if $(filter libwebp,$(FOUND)),-DCXAI_WEBP)
LIBRARY_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBRARIES))
LIBRARY_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) -lm

# ---- sources ---------------------------------------------------------------

OPERATOR_FILES := $(sort $(wildcard src/ops/*.c))
METHOD_FILES := $(sort $(wildcard explain/heatmap/methods/*.c))
COMMAND_FILES := $(sort $(wildcard explain/cli/commands/*.c))
SIMD_FILES := $(sort $(wildcard src/kernels/simd/*.c))

ENGINE_FILES := $(sort $(wildcard src/*/*.c src/ops/common/*.c))
EXPLAIN_FILES := $(sort $(filter-out explain/cli/%,$(wildcard explain/*/*.c)) \
  $(METHOD_FILES))
CLI_FILES := $(sort $(wildcard explain/cli/*.c) $(COMMAND_FILES))

# One source, compiled once for each instruction set; the table in
# src/kernels picks at run time.
MACHINE := $(shell $(CC) -dumpmachine)
ifneq ($(DOUBLE),)
SIMD_LEVELS = portable
else ifneq ($(filter x86_64%,$(MACHINE)),)
SIMD_LEVELS = portable avx2 avx512
else ifneq ($(filter aarch64%,$(MACHINE)),)
SIMD_LEVELS = portable neon
else
SIMD_LEVELS = portable
endif
# (-std=c11 forbids contraction to fused multiply-add unless asked for)
SIMD_FLAGS_portable =
SIMD_FLAGS_neon = -ffp-contract=fast
SIMD_FLAGS_avx2 = -mavx2 -mfma -ffp-contract=fast
SIMD_FLAGS_avx512 = -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma \
  -mprefer-vector-width=512 -ffp-contract=fast

object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
SIMD_OBJECTS := $(foreach level,$(SIMD_LEVELS),\
  $(patsubst src/kernels/simd/%.c,$(BUILD)/obj/src/kernels/simd/%.$(level).o,\
  $(SIMD_FILES)))
GENERATED_OBJECTS = $(BUILD)/gen/operators.o $(BUILD)/gen/methods.o \
  $(BUILD)/gen/onnx.pb-c.o
LIBRARY_OBJECTS = $(call object,$(ENGINE_FILES) $(EXPLAIN_FILES)) \
  $(SIMD_OBJECTS) $(GENERATED_OBJECTS)
CLI_OBJECTS = $(call object,$(CLI_FILES)) $(BUILD)/gen/commands.o

STATIC = $(BUILD)/libcxai.a
SHARED = $(BUILD)/libcxai.so.$(VERSION)
PROGRAM = $(BUILD)/cxai

all: $(STATIC) $(SHARED) $(PROGRAM) $(BUILD)/cxai.1

# ---- compiling -------------------------------------------------------------

# engine code sees src/ and include/, explanations see include/ alone
$(BUILD)/obj/src/%.o $(BUILD)/gen/%.o: ALL_CFLAGS += -Isrc
$(BUILD)/gen/commands.o: ALL_CFLAGS += -I.
$(BUILD)/obj/explain/cli/builtin.o: data/efficientnet-lite0.int8.onnx \
  data/efficientnet-lite0.int8.json data/labels.txt

$(BUILD)/obj/%.o: %.c | $(BUILD)/gen/onnx.pb-c.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

define simd_rule
$(BUILD)/obj/src/kernels/simd/%.$(1).o: src/kernels/simd/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(SIMD_FLAGS_$(1)) -DCX_SIMD_LEVEL=$(1) \
	  -DCX_SIMD_$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach level,$(SIMD_LEVELS),$(eval $(call simd_rule,$(level))))

$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(CC) $(filter-out -Wpedantic -Wconversion -Wmissing-prototypes,\
	  $(ALL_CFLAGS)) -MMD -MP -c $< -o $@

$(BUILD)/gen/onnx.pb-c.c $(BUILD)/gen/onnx.pb-c.h &: src/onnx/onnx.proto
	@mkdir -p $(@D)
	$(PROTOC_C) --proto_path=src/onnx --c_out=$(@D) $<

# The tables of operators, methods and commands: one entry a file, named after
# the file. A linker-section trick would lose entries of a static library. They
# are written anew each time, for files that are gone, and replaced if changed.
# $(1) header, $(2) type, $(3) symbol prefix, $(4) table, $(5) files
define table
	@mkdir -p $(@D)
	@{ echo '#include "$(1)"'; \
	  for f in $(basename $(notdir $(5))); do \
	    echo "extern const $(2) $(3)$$f;"; done; \
	  echo 'const $(2) *const $(4)[] = {'; \
	  for f in $(basename $(notdir $(5))); do echo "    &$(3)$$f,"; done; \
	  echo '    0,'; echo '};'; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endef

$(BUILD)/gen/operators.c: FORCE
	$(call table,ops/operator.h,cx_operator_family,cx_operators_,cx_operator_families,$(OPERATOR_FILES))

$(BUILD)/gen/methods.c: FORCE
	$(call table,cxai/heatmap.h,cxai_heatmap_method,cxai_method_,cxai_heatmap_table,$(METHOD_FILES))

$(BUILD)/gen/commands.c: FORCE
	$(call table,explain/cli/command.h,command,command_,commands,$(COMMAND_FILES))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- linking ---------------------------------------------------------------

$(STATIC): $(LIBRARY_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(SHARED): $(LIBRARY_OBJECTS)
	$(CC) -shared -Wl,-soname,libcxai.so.$(SOVERSION) $(ALL_LDFLAGS) \
	  -o $@ $^ $(LIBRARY_LIBS)

$(PROGRAM): $(CLI_OBJECTS) $(STATIC)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBRARY_LIBS)

# The command that also writes down what decides a gradient, for kinks.py.
RECORDING = $(BUILD)/cxai-recording
$(RECORDING): ALL_LDFLAGS += -Wl,--wrap=cxai_session_create \
  -Wl,--wrap=cxai_session_forward
$(RECORDING): $(CLI_OBJECTS) $(call object,tests/reference/record.c) $(STATIC)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBRARY_LIBS)

# ---- tests -----------------------------------------------------------------

TEST_FILES := $(sort $(wildcard tests/test_*.c))
DOUBLE_TEST_FILES := $(sort $(wildcard tests/double/test_*.c))
SUPPORT_FILES := $(sort $(wildcard tests/support/*.c))
TESTS = $(patsubst tests/%.c,$(BUILD)/tests/%,\
  $(if $(DOUBLE),$(DOUBLE_TEST_FILES),$(TEST_FILES)))
TEST_LIBS = $(shell $(PKG_CONFIG) --libs $(TEST_LIBRARIES))

$(BUILD)/obj/tests/%.o: ALL_CFLAGS += -Isrc -Itests
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call object,$(SUPPORT_FILES)) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(STATIC) $(ARCHIVES) \
	  $(LIBRARY_LIBS) $(TEST_LIBS)

# The allocations of these fail on purpose, also inside libjpeg where it is there
# as an archive; one of them runs commands.
FAILING_TESTS = $(filter $(BUILD)/tests/test_memory%,$(TESTS))
FAILING_FILES := $(sort $(wildcard tests/memory/*.c))
$(FAILING_TESTS): $(call object,$(FAILING_FILES))
$(FAILING_TESTS): ALL_LDFLAGS += $(foreach f,malloc calloc realloc \
  aligned_alloc strdup scandir cx_arena_alloc cx_arena_text,-Wl,--wrap=$(f))
$(FAILING_TESTS): ARCHIVES = \
  $(wildcard $(shell $(CC) -print-file-name=libjpeg.a))
$(BUILD)/tests/test_memory_commands: $(filter-out %/main.o,$(CLI_OBJECTS))

# Its files cannot be mapped where it wants to see them read.
$(BUILD)/tests/test_mapped: ALL_LDFLAGS += -Wl,--wrap=mmap

# This one runs all targets of the fuzzers.
FUZZ_FILES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
$(BUILD)/tests/test_corpus: $(call object,$(FUZZ_FILES))

# The README's example programs, cut out and built as a user would.
EXAMPLES = $(addprefix $(BUILD)/readme/,hook method)
$(BUILD)/readme/%.c: README.md
	@mkdir -p $(@D)
	@awk '/^<!-- example: $*/ { wanted = 1 } wanted && /^```$$/ { exit } \
	  inside { print } wanted && /^```c/ { inside = 1 }' $< > $@
$(BUILD)/readme/%: $(BUILD)/readme/%.c $(STATIC)
	$(CC) $(ALL_LDFLAGS) -std=c11 -Wall -Wextra -Werror -Iinclude -o $@ $^ \
	  $(LIBRARY_LIBS)

# Debian's suite of ONNX is always run; where this folder is there, or is named
# on the command line, it is run too.
ONNX_NODE_TESTS ?= $(wildcard $(abspath $(BUILD)/node-tests))
export ONNX_NODE_TESTS
PYTHON ?= python3
node-tests:
	$(PYTHON) tests/reference/node_tests.py $(BUILD)/node-tests

tests: $(TESTS) $(if $(DOUBLE),,$(PROGRAM) $(EXAMPLES))

# Runs every test program, TEST_JOBS at a time, prints what cmocka prints, fails
# when one failed.
TEST_JOBS = 1
run-tests: tests
	@JOBS=$(TEST_JOBS) CXAI=$(abspath $(PROGRAM)) \
	  CXAI_EXAMPLES=$(abspath $(BUILD)/readme) \
	  sh tests/run.sh $(BUILD)/logs $(TESTS)

# Gradients against central differences want 64-bit reals: a build of their own.
check:
	$(MAKE) BUILD=$(BUILD)/double DOUBLE=1 run-tests
	$(MAKE) run-tests

sanitize:
	$(MAKE) BUILD=$(BUILD)/sanitize SANITIZE=address,undefined \
	  CFLAGS='-O2 -g' run-tests

# valgrind knows AVX2, not AVX-512; what libgomp keeps until the end is only
# "possibly lost", and would stand among the lines that the program says. RUNNER
# also runs that program where tests start it. It is a hundred times slower and
# runs one thread at a time: the heaviest tests then do less of the same, and
# say so, and nobody spins.
memcheck:
	CXAI_CPU=avx2 CXAI_TEST_EFFORT=low OMP_WAIT_POLICY=passive \
	  $(MAKE) run-tests TEST_JOBS=2 RUNNER="valgrind -q --vgdb=no \
	  --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
	  --errors-for-leak-kinds=definite"

# Full-size networks of both PyTorch exporters; tests/reference/zoo.py makes
# the folder ZOO.
zoo-check: $(BUILD)/tests/zoo/zoo_check
	$< $(ZOO)

heat-shares: $(BUILD)/tests/zoo/heat_shares
	$< $(METHOD)

# Timings beside the peers that PYTHON has; BENCH: models and options of
# tests/bench/compare.py.
bench: $(BUILD)/tests/bench/bench $(PROGRAM)
	$(PYTHON) tests/bench/compare.py --bench $< --cxai $(PROGRAM) $(BENCH)

# Fuzzers need clang, not its OpenMP; each runs for a bounded time over its
# corpus, that of models also over the models of the cases.
FUZZ_SECONDS ?= 30
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(FUZZ_FILES))
fuzz:
	$(MAKE) BUILD=$(BUILD)/fuzz CC=clang SANITIZE=address,undefined \
	  OPENMP='$(WITHOUT_OPENMP)' \
	  CFLAGS='-O1 -g -fsanitize=fuzzer-no-link -DFUZZING' run-fuzzers

$(BUILD)/obj/tests/fuzz/%.o: ALL_CFLAGS += -Isrc -Itests
$(BUILD)/fuzzers/%: $(BUILD)/obj/tests/fuzz/%.o $(STATIC)
	@mkdir -p $(@D)
	$(CC) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $^ $(LIBRARY_LIBS)

run-fuzzers: $(addprefix $(BUILD)/fuzzers/,$(FUZZERS))
	@for f in $(FUZZERS); do echo "== $$f"; \
	  mkdir -p $(BUILD)/corpus/$$f tests/fuzz/corpus/$$f; \
	  case $$f in fuzz_model) more=tests/data/cases ;; *) more= ;; esac; \
	  $(BUILD)/fuzzers/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=20 \
	    -rss_limit_mb=2048 -print_final_stats=1 $(BUILD)/corpus/$$f \
	    tests/fuzz/corpus/$$f $$more || exit 1; done

# ---- trying ----------------------------------------------------------------

DEMO = $(BUILD)/demo
demo:
	$(MAKE) all
	@mkdir -p $(DEMO)
	$(PROGRAM) classify data/*.jpg --top 1
	$(PROGRAM) heatmap data/*.jpg -o $(DEMO)/
	$(PROGRAM) heatmap data/band.jpg -t "electric guitar,drum" -o $(DEMO)/
	@echo "the heatmaps lie in $(DEMO)"

# ---- installing ------------------------------------------------------------

INSTALL ?= install
DESTINATION = $(DESTDIR)$(PREFIX)

$(BUILD)/cxai.pc: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' \
	  'includedir=$${prefix}/include' '' 'Name: cxai' \
	  'Description: runs and explains ONNX convolutional networks' \
	  'Version: $(VERSION)' 'Libs: -L$${libdir} -lcxai' \
	  'Libs.private: $(LIBRARY_LIBS) -fopenmp' \
	  'Cflags: -I$${includedir}' > $@

$(BUILD)/cxai.1: $(PROGRAM) explain/cli/manual.sh
	sh explain/cli/manual.sh $(PROGRAM) $(VERSION) > $@

install: all $(BUILD)/cxai.pc $(BUILD)/cxai.1
	$(INSTALL) -d $(DESTINATION)/bin $(DESTINATION)/lib/pkgconfig \
	  $(DESTINATION)/include/cxai $(DESTINATION)/share/man/man1
	$(INSTALL) $(PROGRAM) $(DESTINATION)/bin/cxai
	$(INSTALL) -m 644 $(STATIC) $(DESTINATION)/lib
	$(INSTALL) -m 644 $(SHARED) $(DESTINATION)/lib
	ln -sf $(notdir $(SHARED)) $(DESTINATION)/lib/libcxai.so.$(SOVERSION)
	ln -sf libcxai.so.$(SOVERSION) $(DESTINATION)/lib/libcxai.so
	$(INSTALL) -m 644 include/cxai/*.h $(DESTINATION)/include/cxai
	$(INSTALL) -m 644 $(BUILD)/cxai.pc $(DESTINATION)/lib/pkgconfig
	$(INSTALL) -m 644 $(BUILD)/cxai.1 $(DESTINATION)/share/man/man1

uninstall:
	rm -f $(DESTINATION)/bin/cxai $(DESTINATION)/lib/libcxai.a \
	  $(DESTINATION)/lib/libcxai.so* $(DESTINATION)/lib/pkgconfig/cxai.pc \
	  $(DESTINATION)/share/man/man1/cxai.1
	rm -rf $(DESTINATION)/include/cxai

# ---- the machine -----------------------------------------------------------

AS_ROOT = $(if $(filter 0,$(shell id -u)),,sudo)
setup:
	@command -v apt-get >/dev/null || { \
	  echo "setup knows Debian and Ubuntu; elsewhere install what provides:"; \
	  echo "  $(SETUP_PACKAGES)"; echo "and for the tests:"; \
	  echo "  $(CHECK_PACKAGES)"; exit 1; }
	$(AS_ROOT) apt-get update -q
	DEBIAN_FRONTEND=noninteractive $(AS_ROOT) apt-get install -q -y \
	  --no-install-recommends $(SETUP_PACKAGES) $(CHECK_PACKAGES)

ifneq ($(filter setup,$(MAKECMDGOALS)),)
demo check sanitize memcheck fuzz lint: | setup
endif

# ---- rules of the house ----------------------------------------------------

OUR_FILES = $(shell find src include explain tests -name '*.[ch]')
LINT = $(BUILD)/lint
JOBS = -j$(shell nproc)
lint:
	clang-format --dry-run -Werror $(OUR_FILES)
	sh tests/lint/layers.sh
	$(MAKE) all
	sh tests/lint/tables.sh $(PROGRAM) README.md | diff README.md - || \
	  { echo "the README's tables are old: make tables"; exit 1; }
	$(MAKE) $(JOBS) BUILD=$(LINT)/gcc CC=gcc CFLAGS=-O1 WERROR=1 objects
	$(MAKE) $(JOBS) BUILD=$(LINT)/double CC=gcc CFLAGS=-O1 WERROR=1 DOUBLE=1 \
	  objects
	$(MAKE) $(JOBS) BUILD=$(LINT)/clang CC=clang CFLAGS=-O1 WERROR=1 \
	  OPENMP='$(WITHOUT_OPENMP)' objects
	$(MAKE) $(JOBS) BUILD=$(LINT)/clang tidy

# Brings the README's tables of methods and operators up to date.
tables: all
	sh tests/lint/tables.sh $(PROGRAM) README.md > $(BUILD)/README.md
	cp $(BUILD)/README.md README.md

# All that there is, compiled and not linked.
OTHER_TEST_FILES = $(FUZZ_FILES) $(FAILING_FILES) \
  $(wildcard tests/bench/*.c tests/zoo/*.c tests/reference/*.c)
objects: $(LIBRARY_OBJECTS) $(CLI_OBJECTS) $(call object,$(SUPPORT_FILES) \
  $(if $(DOUBLE),$(DOUBLE_TEST_FILES),$(TEST_FILES) $(OTHER_TEST_FILES)))

# .clang-tidy says what is looked for.
TIDY = $(addprefix tidy/,$(ENGINE_FILES) $(SIMD_FILES) $(EXPLAIN_FILES) \
  $(CLI_FILES))
tidy: $(TIDY)
$(TIDY): tidy/%: $(BUILD)/gen/onnx.pb-c.h
	@clang-tidy --quiet $* -- $(LANGUAGE) $(DEFINES) $(INCLUDES) -Isrc \
	  $(LIBRARY_CFLAGS) -DCX_SIMD_LEVEL=portable -DCX_SIMD_portable

help:
	@sed -n 's/^## //p' Makefile

clean:
	rm -rf $(BUILD)

.PHONY: all tests run-tests node-tests check sanitize memcheck zoo-check heat-shares bench fuzz \
  run-fuzzers demo install uninstall setup lint tables objects tidy $(TIDY) \
  help clean FORCE
.SECONDARY:
.DELETE_ON_ERROR:
