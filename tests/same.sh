#!/bin/sh
# Other compilers, levels of optimisation and build macros give the same bits: every build answers a few bundled
# questions by every method, and all files must be equal to those of the first build, byte for byte.
set -eu
mkdir -p build/same
methods=origin,max,avg,flex_attention,fused
first=
builds=0
try() { # NAME COMPILER FLAGS...
    name=$1
    shift
    command -v "$1" > /dev/null || { echo "skipped $name: $1 is not installed"; return 0; }
    "$@" -w -std=c99 tests/program.c -o "build/same/$name" -lm -pthread
    sh tests/digest.sh "build/same/$name" 4 > build/same/golden.txt || { cat build/same/golden.txt; exit 1; }
    for kernels in $kernel_sets; do
        rm -rf build/same/out
        "build/same/$name" generate --method $methods --max_samples 3 --quiet --kernels "$kernels" \
            --threads "$threads" --batch_size 2 --output build/same/out > /dev/null
        cat build/same/out/*.feather build/same/out/*.csv | cksum > build/same/digest
        layout=build/same/layout.json
        [ -f $layout ] || "build/same/$name" generate --max_samples 1 --num_paraphrases 3 --quiet --rewrite \
            --dump_layout $layout --output build/same/out > /dev/null
        "build/same/$name" forward --layout $layout --kernels "$kernels" --output build/same/logits.npy
        cksum < build/same/logits.npy >> build/same/digest
        [ -n "$first" ] || { first="$name $kernels"; cp build/same/digest build/same/first; }
        cmp -s build/same/digest build/same/first || { echo "FAILED  $name $kernels differs from $first"; exit 1; }
        echo "ok      $name, kernels $kernels, $threads threads"
        builds=$((builds + 1))
    done
}
simd="auto portable"
grep -q avx2 /proc/cpuinfo 2> /dev/null && simd="$simd avx2"
rm -f build/same/layout.json
kernel_sets="$simd naive" threads=2
try gcc-O3 gcc -O3
kernel_sets="$simd" threads=1
try clang-O3 clang -O3
threads=3
try gcc-O3-native gcc -O3 -march=native
try clang-O2-native clang -O2 -march=native
# The kernel for tile units (AMX) on an emulated one: the reference's bits.
tiles() { # COMPILER FLAGS...
    command -v "$1" > /dev/null || { echo "skipped tiles: $1 is not installed"; return 0; }
    "$@" -w -std=c99 -ffp-contract=off tests/main.c -o build/same/tests -lm -pthread
    build/same/tests tiles > build/same/tiles.txt || { cat build/same/tiles.txt; exit 1; }
    echo "ok      tiles, $*"
    builds=$((builds + 1))
}
tiles gcc -O3
tiles clang -O2
# The library alone in other languages: examples/fuse.c must print what it prints everywhere.
fuse() { # NAME COMPILER FLAGS...
    name=$1
    shift
    command -v "$1" > /dev/null || { echo "skipped $name: $1 is not installed"; return 0; }
    "$@" -w -I. -o build/same/fuse -x "$language" examples/fuse.c -lm -pthread
    build/same/fuse > build/same/fuse.txt
    [ -f build/same/fuse-first.txt ] || cp build/same/fuse.txt build/same/fuse-first.txt
    cmp build/same/fuse.txt build/same/fuse-first.txt || { echo "FAILED  $name prints something else"; exit 1; }
    echo "ok      fuse, $name"
    builds=$((builds + 1))
}
rm -f build/same/fuse-first.txt
language=c
for s in c99 c11 c17; do fuse "gcc $s" gcc -std=$s -O1; fuse "clang $s" clang -std=$s -O2; done
language=c++
for s in c++17 c++20; do fuse "g++ $s" g++ -std=$s -O2; fuse "clang++ $s" clang++ -std=$s -O1; done
kernel_sets=auto
try gcc-O0 gcc -O0
try clang-O0 clang -O0
try gcc-O2-bare gcc -O2 -DSGF_NO_SIMD -DSGF_NO_THREADS -DSGF_NO_MMAP
try gcc-O3-lto gcc -O3 -flto
echo "$builds builds and kernel sets, one set of bits"
