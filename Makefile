# Ardis. `make help` prints what can be made; settings come from the command line, or once and for all from `make configure NAME=value …`.
#
#   make              build/ardis                      make quickstart  real activations to a report, on 2 ranks
#   make test         the whole suite (search=WORD: only tests whose path holds WORD; JOBS=N: N files at once)
#   make test-long    the slow checks too              make test-slurm  the batch scripts on a virtual cluster (root)
#   make check        layers, sizes, comments, formatting, words    make coverage    how often the intervals hold
#   make mutate       breaks the backward functions, statement by statement: does a test see it? (search=WORD: only these)
#   make bench        timings beside the machine's limits, on 2 ranks; ROWS=word,word selects
#   make deps         installs missing Debian packages make format      clang-format over all sources
#   make configure    remembers CC= OPT= CFLAGS= …     make info        what is used
#   make install      PREFIX=/usr/local DESTDIR=       make uninstall   make clean
#
# DEBUG=1 builds without optimisation, SANITIZE=address,undefined with sanitizers, EMULATE=1 with the avx512 kernels for a CPU that has
# AVX2 alone, each in a folder of its own; B=DIR builds elsewhere
# (or call `make -f PATH/Makefile` from another folder). V=1 shows the commands.
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
-include config.mk

PROG     := ardis
VERSION  := 0.1.0
LAYERS   := base plan compute data learn measure compare explain report run cli
# one word per registry: family:folder below src/
FAMILIES := backend:compute/backends importer:data/importers generator:data/generators method:learn/methods \
            kmeans-init:learn/kmeans/inits sae-code:learn/sae/codes sae-atoms:learn/sae/atoms sae-start:learn/sae/starts \
            sae-encoder:learn/sae/encoders sae-goal:learn/sae/goals sae-revive:learn/sae/revivals \
            optimizer:learn/optimizers average:learn/averages sparsity:learn/sparsities schedule:learn/schedules metric:measure/metrics comparison:compare/comparisons \
            figure:report/figures exporter:run/exporters model-importer:run/model_importers bench:run/benches command:cli/commands

.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-print-directory

# --- settings
ifeq ($(origin CC),default)
  CC = $(or $(MPICC),$(if $(shell command -v mpicc.openmpi),mpicc.openmpi,mpicc))
endif
PREFIX     ?= /usr/local
MPIEXEC    ?= mpiexec
PKG_CONFIG ?= pkg-config
PYTHON     ?= $(or $(shell for p in python3 /usr/bin/python3; do $$p -c 'import numpy, scipy, h5py' 2>/dev/null && echo $$p && break; done),python3)
JOBS       ?= $(or $(shell getconf _NPROCESSORS_ONLN 2>/dev/null),1)# test files at once
OPT        ?= $(if $(DEBUG),-O0 -g3 -U_FORTIFY_SOURCE,-O2 -g) -ffp-contract=off -fno-math-errno
WARN       ?= -Wall -Wextra -Wshadow -Wno-missing-field-initializers -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion -Wvla -Wno-psabi
CFLAGS     ?= -std=c17 $(OPT) $(WARN)
ACTIVATIONS ?= $(B)/bench/activations.h5
B          ?= build$(if $(DEBUG),-debug)$(if $(SANITIZE),-san)$(if $(EMULATE),-emulated)
san        := $(SANITIZE:%=-fsanitize=% -fno-omit-frame-pointer -fno-sanitize-recover=all)
say         = @mkdir -p $(@D);$(if $(V),set -x;,printf '  %-4s %s\n' $1 $@;)

# --- libraries: pkg-config, else PETSC_DIR, HDF5_DIR or HDF5_ROOT, else h5pcc
ifneq ($(PETSC_DIR),)
export PKG_CONFIG_PATH := $(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig:$(PETSC_DIR)/lib/pkgconfig:$(PKG_CONFIG_PATH)
endif
pc_first   = $(firstword $(foreach p,$1,$(shell $(PKG_CONFIG) --exists $p 2>/dev/null && echo $p)))
PETSC_PC  ?= $(call pc_first,PETSc petsc)
HDF5_PC   ?= $(call pc_first,hdf5-openmpi hdf5-mpich hdf5-mpi hdf5)
YAML_PC   ?= $(call pc_first,yaml-0.1)
pkgs      := $(PETSC_PC) $(HDF5_PC) $(YAML_PC)
lib_cflags := $(if $(strip $(pkgs)),$(shell $(PKG_CONFIG) --cflags $(pkgs)))
lib_libs   := $(if $(strip $(pkgs)),$(shell $(PKG_CONFIG) --libs $(pkgs)))
ifeq ($(PETSC_PC),)
  ifneq ($(PETSC_DIR),)
    lib_cflags += -I$(PETSC_DIR)/include -I$(PETSC_DIR)/$(PETSC_ARCH)/include
    lib_libs   += -L$(PETSC_DIR)/$(PETSC_ARCH)/lib -L$(PETSC_DIR)/lib -Wl,-rpath,$(PETSC_DIR)/$(PETSC_ARCH)/lib -lpetsc
  else
    missing += PETSc
  endif
endif
ifeq ($(HDF5_PC),)
  ifneq ($(or $(HDF5_DIR),$(HDF5_ROOT)),)
    h5 := $(firstword $(HDF5_DIR) $(HDF5_ROOT))
    lib_cflags += -I$(h5)/include
    lib_libs   += -L$(h5)/lib -Wl,-rpath,$(h5)/lib -lhdf5
  else ifneq ($(shell command -v h5pcc),)
    h5show := $(shell h5pcc -show)
    lib_cflags += $(filter -I% -D%,$(h5show))
    lib_libs   += $(filter -L% -Wl%,$(h5show)) -lhdf5
  else
    missing += HDF5
  endif
endif
ifeq ($(YAML_PC),)
  ifneq ($(YAML_DIR),)
    lib_cflags += -I$(YAML_DIR)/include
    lib_libs   += -L$(YAML_DIR)/lib -Wl,-rpath,$(YAML_DIR)/lib -lyaml
  else
    missing += libyaml
  endif
endif
cppflags := -I$(ROOT)/include -I$(B)/gen -D_GNU_SOURCE -DH5_USE_110_API -U_FORTIFY_SOURCE \
            $(patsubst -I%,-isystem %,$(filter-out -D_FORTIFY_SOURCE%,$(lib_cflags))) $(CPPFLAGS)
libs     := $(lib_libs) -pthread -lm $(LDLIBS)

# --- sources: the directory listing is the list
src  := $(patsubst $(ROOT)/%,%,$(foreach l,$(LAYERS),$(sort $(shell find $(ROOT)/src/$l -name '*.c' 2>/dev/null))))
main := $(B)/src/cli/main.o
version := $(B)/src/run/version.o
obj  := $(src:%.c=$(B)/%.o) $(B)/src/compute/backends/ref_fma.o
lib  := $(B)/lib$(PROG).a
tests_all := $(patsubst $(ROOT)/%,%,$(sort $(wildcard $(foreach f,unit family recover,$(ROOT)/tests/$f/*.c) $(ROOT)/tests/cli/*.t)))
test := $(if $(search),$(foreach t,$(tests_all),$(if $(findstring $(search),$t),$t)),$(tests_all))
tbin := $(patsubst %.c,$(B)/%,$(filter %.c,$(test)))

all: $(B)/$(PROG)
$(B)/$(PROG): $(main) $(version)
$(B)/$(PROG) $(tbin): $(lib)
	$(call say,LINK)$(CC) $(san) $(LDFLAGS) -o $@ $(filter %.o,$^ $|) $(lib) $(libs)
$(tbin): %: %.o | $(version)
$(lib): $(filter-out $(main) $(version),$(obj))
	$(call say,AR)rm -f $@; ar crD $@ $^
$(B)/%.o: $(ROOT)/%.c $(ROOT)/Makefile | libraries registries
	$(call say,CC)$(CC) $(cppflags) $(CFLAGS) $(flags) $(san) -MMD -MP -c -o $@ $<
# vector code is compiled for its CPU, file by file, and chosen at start; plain loops are compiled with and without FMA instructions
$(B)/src/compute/backends/%: flags = $(flags_$(firstword $(subst _, ,$(basename $(@F)))))
flags_ref    := -O3 -fopenmp-simd
flags_avx2   := -O3 -mavx2 -mfma -mf16c
flags_avx512 := -O3 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512
ifdef EMULATE # with the instructions of AVX2 alone, to test on a CPU without AVX-512
flags_avx512 := -O2 -mavx2 -mfma -mf16c -include $(ROOT)/tests/emulated_avx512.h
endif
# long loops over rows, vectorised
$(addprefix $(B)/src/,base/eigen.o base/cholesky.o measure/metrics/ood.o): flags = -O3
$(B)/src/compare/%.o: flags = -O3
$(addprefix $(B)/src/data/,sums.o token_writer.o token_rows.o): flags = -O3
$(addprefix $(B)/src/learn/sae/,dense.o encode.o forward.o hidden.o levels.o codes/omp.o pursue.o simplex.o sums.o step.o support.o): flags = -O3
$(B)/src/learn/classical/%.o $(B)/src/learn/methods/%.o: flags = -O3
$(B)/src/compute/backends/ref_fma.o: $(ROOT)/src/compute/backends/ref.c $(ROOT)/Makefile | libraries registries
	$(call say,CC)$(CC) $(cppflags) $(CFLAGS) -DREF_FMA -O3 -fopenmp-simd -mfma -mavx2 $(san) -MMD -MP -c -o $@ $<
$(B)/src/run/limits.o: flags = -O3
# which commit the program is built from: made anew when that changes; test programs are not linked anew for it
commit := $(shell git -C $(ROOT) describe --always --dirty 2>/dev/null || echo unknown)
$(version): flags = -DARDIS_VERSION='"$(VERSION)"' -DARDIS_FLAGS='"$(OPT)"' -DARDIS_COMMIT='"$(commit)"'
$(version): $(B)/gen/commit
$(B)/gen/commit: FORCE
	@mkdir -p $(@D); echo '$(commit)' | cmp -s - $@ || echo '$(commit)' >$@

libraries:
	@test -z "$(missing)" || { echo "not found: $(missing). On Debian: make deps. Elsewhere load a module or Spack package," \
	  "or set PKG_CONFIG_PATH, PETSC_DIR (PETSC_ARCH), HDF5_DIR, YAML_DIR." >&2; exit 1; }

# --- registries: in $(B)/gen, one X(name) line for each .c file in a family's folder
defs   := $(foreach f,$(FAMILIES),$(B)/gen/$(firstword $(subst :, ,$f)).def)
folder  = $(ROOT)/src/$(lastword $(subst :, ,$(filter $1:%,$(FAMILIES))))
registries: $(defs)
$(defs): $(B)/gen/%.def: FORCE
	@mkdir -p $(@D); for f in $(sort $(basename $(notdir $(wildcard $(call folder,$*)/*.c)))); do case $$f in *_*) [ $* = backend ] && continue;; esac; \
	echo "X($$f)"; done >$@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
FORCE:

# --- tests and checks
deps:
	@$(ROOT)/scripts/deps.sh build
test: test-deps
	@$(MAKE) -f $(ROOT)/Makefile run-tests
test-deps:
	@$(ROOT)/scripts/deps.sh test
run-tests: all $(tbin)
	@. $(ROOT)/tests/mpi-env.sh; B=$(abspath $(B)) ROOT=$(ROOT) MPIEXEC='$(MPIEXEC)' SANITIZE='$(SANITIZE)' PYTHON='$(PYTHON)' \
	  prove --timer --jobs $(JOBS) --exec $(ROOT)/tests/run $(test:%=$(ROOT)/%)
test-long: test-deps
	@$(MAKE) -f $(ROOT)/Makefile run-tests TEST_LONG=1
export TEST_LONG
test-slurm: all
	@$(ROOT)/scripts/deps.sh slurm
	@. $(ROOT)/tests/mpi-env.sh; B=$(abspath $(B)) ROOT=$(ROOT) prove --timer --exec $(ROOT)/tests/run $(ROOT)/tests/slurm/slurm.t
# how often the intervals hold, in simulation (docs/coverage.md); PART=interval, … for one table
coverage: $(B)/tests/coverage/coverage
	@. $(ROOT)/tests/mpi-env.sh; $(MPIEXEC) -n 1 $< $(PART)
$(B)/tests/coverage/coverage: $(B)/tests/coverage/coverage.o $(lib) | $(version)
	$(call say,LINK)$(CC) $(san) $(LDFLAGS) -o $@ $< $(version) $(lib) $(libs)
# which breaks of the backward functions no test sees (docs/mutation.md); MUTATE="--small --seconds 100" and others
laws := $(patsubst %.c,$(B)/%,$(filter tests/unit/learn_% tests/family/sae_% tests/family/optimizer% tests/family/schedule% tests/family/method%,$(tests_all)))
mutate-laws: all $(laws)
$(filter-out $(tbin),$(laws)): $(lib) | $(version)
	$(call say,LINK)$(CC) $(san) $(LDFLAGS) -o $@ $(filter %.o,$^ $|) $(lib) $(libs)
$(filter-out $(tbin),$(laws)): %: %.o
mutate:
	@. $(ROOT)/tests/mpi-env.sh; B=$(B) MPIEXEC='$(MPIEXEC)' $(PYTHON) $(ROOT)/tests/mutate $(MUTATE) "$(search)"
check:
	@$(ROOT)/scripts/deps.sh check
	@cd $(ROOT) && tests/check-layers $(LAYERS) && tests/check-sizes && tests/check-docs && tests/check-names && tests/check-format && echo "checks passed"
quickstart:
	@$(ROOT)/scripts/deps.sh build
	@$(MAKE) -f $(ROOT)/Makefile all
	@. $(ROOT)/tests/mpi-env.sh; $(MPIEXEC) -n 2 $(B)/$(PROG) run $(ROOT)/experiments/quickstart/quickstart.yaml --out runs/quickstart
	@echo "the report: $(abspath runs/quickstart/report/index.html)"
bench: all
	@. $(ROOT)/tests/mpi-env.sh; $(MPIEXEC) -n 2 $(B)/$(PROG) bench $(if $(ROWS),--rows "$(ROWS)") \
	  $(addprefix --tokens ,$(wildcard $(ACTIVATIONS))) --csv $(B)/bench.csv --json $(B)/bench.json
bench-activations: all
	$(PYTHON) $(ROOT)/experiments/bench/activations.py --png $(PNG) --work $(B)/bench/arrays --ardis $(B)/$(PROG) -o $(ACTIVATIONS)
format:
	@cd $(ROOT) && clang-format -i $$(git ls-files 'src/*.c' 'src/*.h' 'include/*.h' 'tests/*.c' 'tests/*.h')

# --- installing, settings, help
install: all
	install -D -m 755 $(B)/$(PROG) $(DESTDIR)$(PREFIX)/bin/$(PROG)
	cd $(ROOT) && for f in README.md LICENSE CITATION.cff docs/*.md experiments/*.md slurm/*; do \
	  install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/$(PROG)/$$f; done
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/$(PROG)
	rm -rf $(DESTDIR)$(PREFIX)/share/$(PROG)
CONFIG_VARS := CC OPT CFLAGS CPPFLAGS LDFLAGS LDLIBS MPIEXEC PKG_CONFIG PETSC_DIR PETSC_ARCH HDF5_DIR YAML_DIR PREFIX PYTHON
configure:
	$(file >config.mk)$(foreach v,$(CONFIG_VARS),$(if $(filter command line,$(origin $v)),$(file >>config.mk,$v := $($v))))
	@cat config.mk
info:
	@$(foreach v,VERSION CC CFLAGS lib_cflags lib_libs B MPIEXEC FAMILIES test,printf '%-11s %s\n' '$v' '$($v)';)
help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' $(ROOT)/Makefile
clean:
	rm -rf build build-debug build-san $(if $(filter-out build%,$(B)),$(B)/src $(B)/gen $(B)/tests $(lib) $(B)/$(PROG))
.PHONY: all deps test test-deps run-tests test-long test-slurm coverage mutate mutate-laws check quickstart bench bench-activations format install uninstall configure info help clean \
        registries libraries FORCE
-include $(obj:.o=.d) $(tbin:=.d) $(wildcard $(B)/tests/coverage/*.d)
