#!/bin/sh
# Other processors and C libraries give the same bits and the same files: the program is built with every cross compiler
# that is here and run under its emulator; what it writes must equal what this machine writes, byte for byte. The library
# alone is built for Windows and run under wine.
# PLATFORMS="i686 s390x" takes those alone, SAMPLES=1 one question instead of four.
# Debian: gcc-i686-linux-gnu gcc-s390x-linux-gnu gcc-aarch64-linux-gnu musl-tools gcc-mingw-w64-x86-64 qemu-user wine64
set -eu
out=build/platforms samples=${SAMPLES:-4}
few=$((samples < 2 ? samples : 2))
mkdir -p $out
digest() { # PROGRAM...: what it makes of a few bundled questions, files and all
    rm -rf $out/results
    "$@" generate --method origin,avg,max,flex_attention,fused --max_samples $few --quiet --lemmatize \
        --output $out/results > /dev/null
    cat $out/results/*.feather $out/results/*.csv | cksum
}
golden() { # PROGRAM...: rows and logits are those that are committed
    sh tests/digest.sh "$*" "$samples" > $out/golden.txt || { cat $out/golden.txt; exit 1; }
}
wanted() { # NAME
    case " ${PLATFORMS:-$1} " in *" $1 "*) ;; *) return 1 ;; esac
}
count=0
try() { # NAME "EMULATOR" COMPILER FLAGS...
    name=$1 emulator=$2
    shift 2
    wanted "$name" || return 0
    command -v "$1" > /dev/null || { echo "skipped $name: $1 is not installed"; return 0; }
    [ -z "$emulator" ] || command -v "$emulator" > /dev/null ||
        { echo "skipped $name: $emulator is not installed"; return 0; }
    "$@" -std=c99 -w -O2 -static tests/program.c -o $out/$name -lm -pthread
    [ "$(digest $emulator $out/$name)" = "$first" ] || { echo "FAILED  $name gives other bits"; exit 1; }
    golden $emulator $out/$name
    echo "ok      $name"
    count=$((count + 1))
}
cc -std=c99 -w -O2 tests/program.c -o $out/native -lm -pthread
first=$(digest $out/native)
golden $out/native
try musl "" musl-gcc
try musl-bare "" musl-gcc -DSGF_NO_THREADS -DSGF_NO_MMAP -DSGF_NO_SIMD
try i686 "" i686-linux-gnu-gcc -msse2 -mfpmath=sse # 32 bits
try aarch64 qemu-aarch64 aarch64-linux-gnu-gcc     # NEON
try s390x qemu-s390x s390x-linux-gnu-gcc -fexcess-precision=fast # big-endian

# Windows: the example must print what it prints here.
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
if ! wanted windows; then
    :
elif command -v x86_64-w64-mingw32-gcc > /dev/null && [ -x "$wine" ]; then
    cc -std=c99 -w -O2 -I. examples/fuse.c -o $out/fuse -lm -pthread
    x86_64-w64-mingw32-gcc -std=c99 -w -O2 -static -I. examples/fuse.c -o $out/fuse.exe -lm -pthread
    $out/fuse > $out/fuse.txt
    WINEDEBUG=-all "$wine" $out/fuse.exe | tr -d '\r' | cmp - $out/fuse.txt ||
        { echo "FAILED  windows prints something else"; exit 1; }
    echo "ok      windows (wine)"
    count=$((count + 1))
else
    echo "skipped windows: mingw-w64 or wine is not installed"
fi
echo "$count platforms, one set of bits"
