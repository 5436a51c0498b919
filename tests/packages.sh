#!/bin/sh
# `make install` below a folder of build/; then a program in C and one in C++ find the library, and the header alone,
# through pkg-config and through CMake, and Python its module. The library exports sgf_ names alone; `make dist` makes what it says.
set -eu
root=$PWD/build/packages
rm -rf "$root"
mkdir -p "$root/try"
make -s install PREFIX="$root/usr" > "$root/install.log"
if nm -D --defined-only "$root/usr/lib/libsegfuse.so" | awk '{ print $3 }' | grep -v '^sgf_[a-z]' | grep -v '^_'; then
    echo "FAILED  libsegfuse.so exports these names"
    exit 1
fi
cat > "$root/try/use.c" << 'END'
#include <segfuse.h>
#include <stdio.h>
int main(void) {
    puts(sgf_version());
    return 0;
}
END
(echo '#define SEGFUSE_IMPLEMENTATION'; cat "$root/try/use.c") > "$root/try/header.c"
for f in use header; do cp "$root/try/$f.c" "$root/try/$f.cpp"; done
version=$(sed -n 's/^#define SGF_VERSION "\(.*\)"/\1/p' segfuse.h)
ran() { # NAME PROGRAM
    [ "$(LD_LIBRARY_PATH=$root/usr/lib "$2")" = "$version" ] || { echo "FAILED  $1"; exit 1; }
    echo "ok      $1"
}
if command -v pkg-config > /dev/null; then
    export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig"
    flags=$(pkg-config --cflags segfuse)
    ${CC:-cc} $flags "$root/try/use.c" -o "$root/try/a" $(pkg-config --libs segfuse); ran "pkg-config, C, library" "$root/try/a"
    ${CXX:-c++} $flags "$root/try/use.cpp" -o "$root/try/a" $(pkg-config --libs segfuse); ran "pkg-config, C++, library" "$root/try/a"
    ${CC:-cc} $flags "$root/try/header.c" -o "$root/try/a" $(pkg-config --variable=header_libs segfuse); ran "pkg-config, C, header" "$root/try/a"
else
    echo "skipped pkg-config: not installed (Debian: pkg-config)"
fi
if command -v cmake > /dev/null; then
    cat > "$root/try/CMakeLists.txt" << 'END'
cmake_minimum_required(VERSION 3.13)
project(try C CXX)
find_package(segfuse 0.1 REQUIRED)
add_executable(c use.c)
add_executable(cpp use.cpp)
add_executable(header header.cpp)
target_link_libraries(c segfuse::segfuse)
target_link_libraries(cpp segfuse::segfuse)
target_link_libraries(header segfuse::header)
END
    cmake -S "$root/try" -B "$root/try/build" -DCMAKE_PREFIX_PATH="$root/usr" > "$root/cmake.log"
    cmake --build "$root/try/build" >> "$root/cmake.log"
    for f in c cpp header; do ran "CMake, $f" "$root/try/build/$f"; done
else
    echo "skipped CMake: not installed (Debian: cmake)"
fi
if python3 -c 'import numpy' 2> /dev/null; then
    [ "$(PYTHONPATH=$root/usr/lib/segfuse python3 -c 'import segfuse; print(segfuse._lib.sgf_version().decode())')" = "$version" ] ||
        { echo "FAILED  Python"; exit 1; }
    echo "ok      Python"
else
    echo "skipped Python: NumPy is not installed (Debian: python3-numpy)"
fi
if git rev-parse --git-dir > /dev/null 2>&1; then
    make -s dist
    (cd build/dist && sha256sum -c --quiet segfuse.h.sha256 && gzip -t "segfuse-$version.tar.gz")
    echo "ok      make dist: segfuse.h with its checksum, segfuse-$version.tar.gz"
fi
