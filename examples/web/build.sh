#!/bin/sh
# build.sh PROGRAM OUT.html: compiles web.c to WebAssembly and puts page, model and questions into one file. Start it in the
# top folder. PROGRAM is build/segfuse: it says which examples its prompts have.
set -e
program=$1 out=$2 web=examples/web model=models/segfuse-2m

fail() {
    echo "skipped web: $1. On Debian and Ubuntu: sudo apt-get install clang lld wasi-libc libclang-rt-dev-wasm32"
    exit 0
}
command -v clang > /dev/null || fail "clang is not installed"
echo '#include <math.h>
float f(float x) { return sqrtf(x); } int main(void) { return 0; }' > build/web_probe.c
clang --target=wasm32-wasi build/web_probe.c -o build/web_probe.wasm -lm 2> /dev/null ||
    fail "this clang builds no WebAssembly (lld, wasi-libc or its runtime for wasm32 is missing)"

clang --target=wasm32-wasi -mexec-model=reactor -std=c99 -O3 -Wall -Wextra -DSGF_NO_THREADS -DSGF_NO_STDIO \
    $web/web.c examples/segfuse/base/hash.c -o build/web.wasm -lm -Wl,--strip-all,-z,stack-size=1048576

# The prompts that the program makes of a statement and of a question, as JSON texts: the page takes instruction and examples
# from them.
for text in "[MASK]" "?"; do
    $program ask --quiet --method fused --dump_layout build/web_layout.json "$text" > build/web_answer.txt
    tr -d '\n ' < build/web_layout.json | sed 's/.*"tokens":\(\[[0-9,]*\]\).*/\1/' | $program tokenize --decode
    echo
done | sed '/^$/d' > build/web_prompts.txt

# The page is page.html; a line @FILE is replaced by a file, @base64 FILE by the file in base64.
while IFS= read -r line; do
    case $line in
    "@base64 "*) base64 "${line#@base64 }" | tr -d '\n' ;;
    @*) cat "${line#@}" ;;
    *) printf '%s\n' "$line" ;;
    esac
done < $web/page.html > "$out.new"
mv "$out.new" "$out"
echo "$out: $(wc -c < "$out" | tr -d ' ') bytes; open it in a browser"
