#!/bin/sh
# The golden digest: digest.sh "PROGRAM" SAMPLES [OPTION...] answers the first SAMPLES bundled questions (all: every one) by
# every method and computes the logits of three prompts, and compares SHA-256 of the rows (CSV) and of the logits (.npy)
# with tests/golden/digest.txt. One set of numbers for all compilers, processors, threads, batches and resumed runs. The
# configuration inside of Feather files names the version and is not part of it. GOLDEN=make writes the lines anew.
# With --arithmetic bf16 the golden lines are those of digest-bf16.txt.
set -eu
program=$1 samples=$2
shift 2
golden=tests/golden/digest.txt out=build/digest/$$ arithmetic=
case " $* " in
*" --arithmetic bf16 "*) golden=tests/golden/digest-bf16.txt arithmetic="--arithmetic bf16" ;;
esac
mkdir -p $out
trap 'rm -rf $out' EXIT
sha() { if command -v sha256sum > /dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-64; }
limit="--max_samples $samples"
[ "$samples" != all ] || limit=
$program generate --method origin,per_prompt,avg,max,flex_attention,myriadlama_flex,myriadlama,myriadlama_custom,fused \
    $limit --lemmatize --quiet --output $out/rows "$@" > /dev/null
for file in $out/rows/*.csv; do
    echo "$(sha < "$file")  $samples $(basename "$file")"
done > $out/made
for method in origin flex_attention fused; do
    $program generate --method $method --max_samples 1 --quiet --rewrite --dump_layout $out/layout.json --output $out/one \
        > /dev/null
    $program forward --layout $out/layout.json --output $out/logits.npy $arithmetic
    echo "$(sha < $out/logits.npy)  $samples logits of $method"
done >> $out/made
if [ "${GOLDEN:-}" = make ]; then
    { grep -v "^[0-9a-f]*  $samples " $golden || true; cat $out/made; } > $out/all
    cp $out/all $golden
fi 2> /dev/null
grep "^[0-9a-f]*  $samples " $golden > $out/wanted
diff $out/wanted $out/made || { echo "FAILED  $program $*: other bits than the golden ones"; exit 1; }
echo "ok      golden digest, $(wc -l < $out/made | tr -d ' ') files, $samples questions: $program $*"
