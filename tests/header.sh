#!/bin/sh
# What the top of segfuse.h promises is there: the contents name exactly the sections whose banners follow, in order;
# every public function is documented; every one that is declared is defined, and nothing else is exported.
set -eu
mkdir -p build
sed -n 's/^       \(\[SGF-[0-9][0-9]\] .*\)$/\1/p' segfuse.h > build/contents
sed -n 's/^ \* \(\[SGF-[0-9][0-9]\] .*\)$/\1/p' segfuse.h > build/banners
cmp build/contents build/banners
echo "ok      contents: $(wc -l < build/banners) sections"
sh tests/lines.sh
front=$(sed -n 's/.*front ends at line \([0-9]*\).*/\1/p' segfuse.h)
[ "$front" -le 2800 ] || { echo "FAILED  the front has $front lines, 2800 are allowed"; exit 1; }
echo "ok      the table of claims names the right lines; the front has $front"

# The public half ends where the implementation begins. A comment documents the declarations that follow it until an
# empty line.
awk '/^#ifdef SEGFUSE_IMPLEMENTATION/ { exit }
     /\*\/$/ { documented = 1 }
     /^$/ { documented = 0 }
     /^SGF_DEF / { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name); print name, documented }' \
    segfuse.h > build/declared
if grep ' 0$' build/declared > build/bare; then
    sed 's/ 0$/ has no comment/' build/bare
    exit 1
fi
echo "ok      comments: $(wc -l < build/declared) public functions"
cut -d' ' -f1 build/declared | sort > build/api
printf '#define SEGFUSE_IMPLEMENTATION\n#include "segfuse.h"\n' > build/api.c
${CC:-cc} -std=c99 -O0 -I. -c build/api.c -o build/api.o
nm -g --defined-only build/api.o | awk '{ print $3 }' | sort > build/exported
diff build/api build/exported
echo "ok      every declared function is defined, and nothing else is exported"

# Where the compiler can make them, the library has the instructions of the tile unit (AMX).
if ${CC:-cc} -DSEGFUSE_IMPLEMENTATION -dM -E -x c segfuse.h | grep -q 'define SGF__AMX '; then
    if command -v objdump > /dev/null; then
        for name in ldtilecfg tileloadd tdpbf16ps tilestored tilerelease; do
            objdump -d build/api.o | grep -q "$name" || { echo "FAILED  the library has no $name"; exit 1; }
        done
        echo "ok      the library has the instructions of the tile unit"
    else
        echo "skipped the instructions of the tile unit: objdump is not installed"
    fi
fi

# The second declaration of each function, in tests/api.c, is that of the header.
sed -n 's/^extern [^(]*[ *]\(sgf_[a-z0-9_]*\)(.*/\1/p' tests/api.c | sort > build/frozen
diff build/api build/frozen || { echo "FAILED  tests/api.c declares other functions than segfuse.h"; exit 1; }
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -O0 tests/api.c -o build/api-c -lm -pthread
build/api-c
if command -v "${CXX:-c++}" > /dev/null; then
    ${CXX:-c++} -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -O0 tests/api.c -o build/api-cxx -lm -pthread
    build/api-cxx
fi
echo "ok      the public functions are declared as in tests/api.c: $(wc -l < build/frozen)"

# Ten files include the header, one of them with the implementation; two files hold a static copy each.
unit() { # FILE "MACROS" BODY
    printf '%s#include "segfuse.h"\n%s\n' "$2" "$3" > build/"$1".c
    units="$units build/$1.c"
}
implementation='#define SEGFUSE_IMPLEMENTATION
'
units=
calls=
for i in 1 2 3 4 5 6 7 8 9; do
    unit "unit$i" "" "int unit$i(void); int unit$i(void) { return sgf_version()[0] != '0'; }"
    calls="$calls || unit$i()"
    declared="${declared:-} int unit$i(void);"
done
unit main "$implementation" "$declared int main(void) { return 0 $calls; }"
${CC:-cc} -std=c99 -O0 -I. $units -o build/ten -lm -pthread
build/ten
units=
static="#define SGF_STATIC
$implementation"
unit copy "$static" "int copy(void); int copy(void) { return sgf_version()[0]; }"
unit main "$static" "int copy(void); int main(void) { return copy() != sgf_version()[0]; }"
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -O0 -I. $units -o build/two -lm -pthread
build/two
echo "ok      ten files share one implementation; two hold a static copy each"

# Without stdio: no file is touched but through the program's functions, and they may fail.
printf '#define SGF_NO_STDIO\n#define SEGFUSE_IMPLEMENTATION\n#include "segfuse.h"\n' > build/bare.c
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -O0 -I. -c build/bare.c -o build/bare.o
if nm -u build/bare.o | grep -E ' (f?open|fdopen|f?read|f?write|f?close|fseek|fflush|f?stat|access|mmap|munmap|fsync|rename|remove|unlink|getpid|sysconf|stdin|stdout|stderr)(64)?(@.*)?$'; then
    echo "FAILED  SGF_NO_STDIO leaves calls for files"
    exit 1
fi
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -O0 -I. tests/no_stdio.c -o build/no-stdio -lm -pthread
build/no-stdio > build/no-stdio.txt
${CC:-cc} -std=c99 -O0 -I. examples/fuse.c -o build/fuse-O0 -lm -pthread
build/fuse-O0 | cmp - build/no-stdio.txt
echo "ok      without stdio: the program's files, the same answers, every failure survived"
