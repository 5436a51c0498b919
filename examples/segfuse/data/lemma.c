/* lemma.h: spaCy's tokens and dictionary forms, approximated.

   Text -> characters with a class each -> tokens (runs of characters) -> lemmas. A stretch without
   blanks is peeled from both ends (quotes, brackets, units), then cut inside (hyphens, slashes); no
   character is examined more than a few times. A lemma is the token in lower case with its ending
   changed, by a table of exceptions and then by rule; the rules ask for capitals where spaCy's tagger
   would see a name. Sources: spaCy 3 tokenizer rules for English (punctuation.py,
   tokenizer_exceptions.py), its lemmatizer's rules (s -> "", ies -> y, ing -> e or "", ed -> e or ""),
   tuned on MyriadLAMA answers. */
#include "lemma.h"

#include "../base/unicode.h"

#include <stdint.h>
#include <string.h>

/* ---- characters ---- */

enum {
    LEMMA_ALPHA = 1,
    LEMMA_UPPER = 2, /* also ALPHA; a letter without UPPER counts as lower case */
    LEMMA_DIGIT = 4,
    LEMMA_SPACE = 8,
    LEMMA_PUNCT = 16,
    LEMMA_QUOTE = 32,
    LEMMA_MONEY = 64,
    LEMMA_DASH = 128,
    LEMMA_ICON = 256,
    LEMMA_CUT = 512 /* a token begins here; set while a stretch is peeled */
};

typedef struct lemma_char {
    uint32_t code; /* code point; LEMMA_BYTE + b for a byte b that is not UTF-8 */
    uint32_t is;   /* classes */
} lemma_char;

#define LEMMA_BYTE 0x110000u

/* Classes above ASCII; a code point that is in no range is a letter. */
static const struct {
    uint32_t first, last, is;
} lemma_char_classes[] = {
    /* clang-format off */
    {0x80, 0x84, 0}, {0x85, 0x85, LEMMA_SPACE}, {0x86, 0x9F, 0}, {0xA0, 0xA0, LEMMA_SPACE},
    {0xA1, 0xA1, LEMMA_PUNCT}, {0xA2, 0xA2, 0}, {0xA3, 0xA3, LEMMA_MONEY}, {0xA4, 0xA4, 0},
    {0xA5, 0xA5, LEMMA_MONEY}, {0xA6, 0xA6, LEMMA_ICON}, {0xA7, 0xA8, 0}, {0xA9, 0xA9, LEMMA_ICON},
    {0xAB, 0xAB, LEMMA_QUOTE}, {0xAC, 0xAD, 0}, {0xAE, 0xAE, LEMMA_ICON}, {0xAF, 0xB3, 0},
    {0xB4, 0xB4, LEMMA_QUOTE}, {0xB6, 0xB6, 0}, {0xB7, 0xB7, LEMMA_PUNCT}, {0xB8, 0xB9, 0},
    {0xBB, 0xBB, LEMMA_QUOTE}, {0xBC, 0xBE, 0}, {0xBF, 0xBF, LEMMA_PUNCT}, {0x2B0, 0x36F, 0},
    {0x60C, 0x60C, LEMMA_PUNCT}, {0x61B, 0x61B, LEMMA_PUNCT}, {0x61F, 0x61F, LEMMA_PUNCT},
    {0x66A, 0x66A, LEMMA_PUNCT}, {0x6D4, 0x6D4, LEMMA_PUNCT}, {0x964, 0x964, LEMMA_PUNCT},
    {0xE3F, 0xE3F, LEMMA_MONEY}, {0x1680, 0x1680, LEMMA_SPACE}, {0x2000, 0x200A, LEMMA_SPACE},
    {0x200B, 0x2012, 0}, {0x2013, 0x2014, LEMMA_DASH}, {0x2015, 0x2017, 0},
    {0x2018, 0x201A, LEMMA_QUOTE}, {0x201B, 0x201B, 0}, {0x201C, 0x201E, LEMMA_QUOTE},
    {0x201F, 0x2025, 0}, {0x2026, 0x2026, LEMMA_PUNCT}, {0x2027, 0x2027, 0},
    {0x2028, 0x2029, LEMMA_SPACE}, {0x202A, 0x202E, 0}, {0x202F, 0x202F, LEMMA_SPACE},
    {0x2030, 0x205E, 0}, {0x205F, 0x205F, LEMMA_SPACE}, {0x2060, 0x206F, 0},
    {0x20A0, 0x20BF, LEMMA_MONEY}, {0x2100, 0x214F, LEMMA_ICON}, {0x2195, 0x21FF, LEMMA_ICON},
    {0x2300, 0x245F, LEMMA_ICON}, {0x249C, 0x24E9, LEMMA_ICON}, {0x2500, 0x266E, LEMMA_ICON},
    {0x2670, 0x27BF, LEMMA_ICON}, {0x27E6, 0x27E7, LEMMA_QUOTE}, {0x2800, 0x28FF, LEMMA_ICON},
    {0x2B00, 0x2BFF, LEMMA_ICON}, {0x3000, 0x3000, LEMMA_SPACE}, {0x3001, 0x3002, LEMMA_PUNCT},
    {0x3008, 0x3011, LEMMA_QUOTE}, {0x3014, 0x3015, LEMMA_QUOTE}, {0xFDFC, 0xFDFC, LEMMA_MONEY},
    {0xFE00, 0xFE0F, 0}, {0xFF01, 0xFF01, LEMMA_PUNCT}, {0xFF08, 0xFF09, LEMMA_QUOTE},
    {0xFF0C, 0xFF0C, LEMMA_PUNCT}, {0xFF1A, 0xFF1B, LEMMA_PUNCT}, {0xFF1F, 0xFF1F, LEMMA_PUNCT},
    {0xFF5E, 0xFF5E, LEMMA_PUNCT}, {0x1F000, 0x1FAFF, LEMMA_ICON}, {0xE0000, 0xE007F, 0},
    /* clang-format on */
};

/* Upper case -> lower case, Unicode's simple mappings: `up` is added to every `step`th code point from
   first to last. Unicode 14. */
static const struct {
    uint32_t first, last;
    int32_t up;
    uint32_t step;
} lemma_lower_ranges[] = {
    {0xC0, 0xD6, 32, 1},         {0xD8, 0xDE, 32, 1},         {0x100, 0x12E, 1, 2},
    {0x132, 0x136, 1, 2},        {0x139, 0x147, 1, 2},        {0x14A, 0x176, 1, 2},
    {0x178, 0x178, -121, 1},     {0x179, 0x17D, 1, 2},        {0x181, 0x181, 210, 1},
    {0x182, 0x184, 1, 2},        {0x186, 0x186, 206, 1},      {0x187, 0x187, 1, 1},
    {0x189, 0x18A, 205, 1},      {0x18B, 0x18B, 1, 1},        {0x18E, 0x18E, 79, 1},
    {0x18F, 0x18F, 202, 1},      {0x190, 0x190, 203, 1},      {0x191, 0x191, 1, 1},
    {0x193, 0x193, 205, 1},      {0x194, 0x194, 207, 1},      {0x196, 0x196, 211, 1},
    {0x197, 0x197, 209, 1},      {0x198, 0x198, 1, 1},        {0x19C, 0x19C, 211, 1},
    {0x19D, 0x19D, 213, 1},      {0x19F, 0x19F, 214, 1},      {0x1A0, 0x1A4, 1, 2},
    {0x1A6, 0x1A6, 218, 1},      {0x1A7, 0x1A7, 1, 1},        {0x1A9, 0x1A9, 218, 1},
    {0x1AC, 0x1AC, 1, 1},        {0x1AE, 0x1AE, 218, 1},      {0x1AF, 0x1AF, 1, 1},
    {0x1B1, 0x1B2, 217, 1},      {0x1B3, 0x1B5, 1, 2},        {0x1B7, 0x1B7, 219, 1},
    {0x1B8, 0x1B8, 1, 1},        {0x1BC, 0x1BC, 1, 1},        {0x1C4, 0x1C4, 2, 1},
    {0x1C5, 0x1C5, 1, 1},        {0x1C7, 0x1C7, 2, 1},        {0x1C8, 0x1C8, 1, 1},
    {0x1CA, 0x1CA, 2, 1},        {0x1CB, 0x1DB, 1, 2},        {0x1DE, 0x1EE, 1, 2},
    {0x1F1, 0x1F1, 2, 1},        {0x1F2, 0x1F4, 1, 2},        {0x1F6, 0x1F6, -97, 1},
    {0x1F7, 0x1F7, -56, 1},      {0x1F8, 0x21E, 1, 2},        {0x220, 0x220, -130, 1},
    {0x222, 0x232, 1, 2},        {0x23A, 0x23A, 10795, 1},    {0x23B, 0x23B, 1, 1},
    {0x23D, 0x23D, -163, 1},     {0x23E, 0x23E, 10792, 1},    {0x241, 0x241, 1, 1},
    {0x243, 0x243, -195, 1},     {0x244, 0x244, 69, 1},       {0x245, 0x245, 71, 1},
    {0x246, 0x24E, 1, 2},        {0x370, 0x372, 1, 2},        {0x376, 0x376, 1, 1},
    {0x37F, 0x37F, 116, 1},      {0x386, 0x386, 38, 1},       {0x388, 0x38A, 37, 1},
    {0x38C, 0x38C, 64, 1},       {0x38E, 0x38F, 63, 1},       {0x391, 0x3A1, 32, 1},
    {0x3A3, 0x3AB, 32, 1},       {0x3CF, 0x3CF, 8, 1},        {0x3D8, 0x3EE, 1, 2},
    {0x3F4, 0x3F4, -60, 1},      {0x3F7, 0x3F7, 1, 1},        {0x3F9, 0x3F9, -7, 1},
    {0x3FA, 0x3FA, 1, 1},        {0x3FD, 0x3FF, -130, 1},     {0x400, 0x40F, 80, 1},
    {0x410, 0x42F, 32, 1},       {0x460, 0x480, 1, 2},        {0x48A, 0x4BE, 1, 2},
    {0x4C0, 0x4C0, 15, 1},       {0x4C1, 0x4CD, 1, 2},        {0x4D0, 0x52E, 1, 2},
    {0x531, 0x556, 48, 1},       {0x10A0, 0x10C5, 7264, 1},   {0x10C7, 0x10C7, 7264, 1},
    {0x10CD, 0x10CD, 7264, 1},   {0x13A0, 0x13EF, 38864, 1},  {0x13F0, 0x13F5, 8, 1},
    {0x1C90, 0x1CBA, -3008, 1},  {0x1CBD, 0x1CBF, -3008, 1},  {0x1E00, 0x1E94, 1, 2},
    {0x1E9E, 0x1E9E, -7615, 1},  {0x1EA0, 0x1EFE, 1, 2},      {0x1F08, 0x1F0F, -8, 1},
    {0x1F18, 0x1F1D, -8, 1},     {0x1F28, 0x1F2F, -8, 1},     {0x1F38, 0x1F3F, -8, 1},
    {0x1F48, 0x1F4D, -8, 1},     {0x1F59, 0x1F5F, -8, 2},     {0x1F68, 0x1F6F, -8, 1},
    {0x1F88, 0x1F8F, -8, 1},     {0x1F98, 0x1F9F, -8, 1},     {0x1FA8, 0x1FAF, -8, 1},
    {0x1FB8, 0x1FB9, -8, 1},     {0x1FBA, 0x1FBB, -74, 1},    {0x1FBC, 0x1FBC, -9, 1},
    {0x1FC8, 0x1FCB, -86, 1},    {0x1FCC, 0x1FCC, -9, 1},     {0x1FD8, 0x1FD9, -8, 1},
    {0x1FDA, 0x1FDB, -100, 1},   {0x1FE8, 0x1FE9, -8, 1},     {0x1FEA, 0x1FEB, -112, 1},
    {0x1FEC, 0x1FEC, -7, 1},     {0x1FF8, 0x1FF9, -128, 1},   {0x1FFA, 0x1FFB, -126, 1},
    {0x1FFC, 0x1FFC, -9, 1},     {0x2126, 0x2126, -7517, 1},  {0x212A, 0x212A, -8383, 1},
    {0x212B, 0x212B, -8262, 1},  {0x2132, 0x2132, 28, 1},     {0x2160, 0x216F, 16, 1},
    {0x2183, 0x2183, 1, 1},      {0x24B6, 0x24CF, 26, 1},     {0x2C00, 0x2C2F, 48, 1},
    {0x2C60, 0x2C60, 1, 1},      {0x2C62, 0x2C62, -10743, 1}, {0x2C63, 0x2C63, -3814, 1},
    {0x2C64, 0x2C64, -10727, 1}, {0x2C67, 0x2C6B, 1, 2},      {0x2C6D, 0x2C6D, -10780, 1},
    {0x2C6E, 0x2C6E, -10749, 1}, {0x2C6F, 0x2C6F, -10783, 1}, {0x2C70, 0x2C70, -10782, 1},
    {0x2C72, 0x2C72, 1, 1},      {0x2C75, 0x2C75, 1, 1},      {0x2C7E, 0x2C7F, -10815, 1},
    {0x2C80, 0x2CE2, 1, 2},      {0x2CEB, 0x2CED, 1, 2},      {0x2CF2, 0x2CF2, 1, 1},
    {0xA640, 0xA66C, 1, 2},      {0xA680, 0xA69A, 1, 2},      {0xA722, 0xA72E, 1, 2},
    {0xA732, 0xA76E, 1, 2},      {0xA779, 0xA77B, 1, 2},      {0xA77D, 0xA77D, -35332, 1},
    {0xA77E, 0xA786, 1, 2},      {0xA78B, 0xA78B, 1, 1},      {0xA78D, 0xA78D, -42280, 1},
    {0xA790, 0xA792, 1, 2},      {0xA796, 0xA7A8, 1, 2},      {0xA7AA, 0xA7AA, -42308, 1},
    {0xA7AB, 0xA7AB, -42319, 1}, {0xA7AC, 0xA7AC, -42315, 1}, {0xA7AD, 0xA7AD, -42305, 1},
    {0xA7AE, 0xA7AE, -42308, 1}, {0xA7B0, 0xA7B0, -42258, 1}, {0xA7B1, 0xA7B1, -42282, 1},
    {0xA7B2, 0xA7B2, -42261, 1}, {0xA7B3, 0xA7B3, 928, 1},    {0xA7B4, 0xA7C2, 1, 2},
    {0xA7C4, 0xA7C4, -48, 1},    {0xA7C5, 0xA7C5, -42307, 1}, {0xA7C6, 0xA7C6, -35384, 1},
    {0xA7C7, 0xA7C9, 1, 2},      {0xA7D0, 0xA7D0, 1, 1},      {0xA7D6, 0xA7D8, 1, 2},
    {0xA7F5, 0xA7F5, 1, 1},      {0xFF21, 0xFF3A, 32, 1},     {0x10400, 0x10427, 40, 1},
    {0x104B0, 0x104D3, 40, 1},   {0x10570, 0x1057A, 39, 1},   {0x1057C, 0x1058A, 39, 1},
    {0x1058C, 0x10592, 39, 1},   {0x10594, 0x10595, 39, 1},   {0x10C80, 0x10CB2, 64, 1},
    {0x118A0, 0x118BF, 32, 1},   {0x16E40, 0x16E5F, 32, 1},   {0x1E900, 0x1E921, 34, 1},
};

static uint32_t lemma_char_lower(uint32_t c) {
    size_t low = 0, high = sizeof lemma_lower_ranges / sizeof *lemma_lower_ranges;
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (lemma_lower_ranges[middle].last < c) low = middle + 1;
        else high = middle;
    }
    if (low == sizeof lemma_lower_ranges / sizeof *lemma_lower_ranges ||
        c < lemma_lower_ranges[low].first)
        return c;
    if ((c - lemma_lower_ranges[low].first) % lemma_lower_ranges[low].step) return c;
    return (uint32_t)((int32_t)c + lemma_lower_ranges[low].up);
}
static uint32_t lemma_ascii_class(int c) {
    if (c >= '0' && c <= '9') return LEMMA_DIGIT;
    if (c >= 'a' && c <= 'z') return LEMMA_ALPHA;
    if (c >= 'A' && c <= 'Z') return LEMMA_ALPHA | LEMMA_UPPER;
    if (c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F)) return LEMMA_SPACE;
    if (c == ',') return LEMMA_PUNCT | LEMMA_QUOTE;
    if (c == '\'' || c == '"' || c == '`') return LEMMA_QUOTE;
    if (c == '-' || c == '~') return LEMMA_DASH;
    if (c == '$') return LEMMA_MONEY;
    if (c && strchr(":;!?()[]{}<>_#*&", c)) return LEMMA_PUNCT;
    return 0;
}
static uint32_t lemma_char_class(uint32_t c) {
    size_t i;
    if (c < 0x80) return lemma_ascii_class((int)c);
    for (i = 0; i < sizeof lemma_char_classes / sizeof *lemma_char_classes; i++)
        if (c <= lemma_char_classes[i].last) break;
    if (i < sizeof lemma_char_classes / sizeof *lemma_char_classes &&
        c >= lemma_char_classes[i].first)
        return lemma_char_classes[i].is;
    return lemma_char_lower(c) != c || c == 0x130 ? LEMMA_ALPHA | LEMMA_UPPER : LEMMA_ALPHA;
}
static int lemma_char_is(const lemma_char *c, uint32_t is) {
    return (c->is & is) != 0;
}
static int lemma_char_is_lower(const lemma_char *c) {
    return (c->is & (LEMMA_ALPHA | LEMMA_UPPER)) == LEMMA_ALPHA;
}
static int lemma_char_in(const lemma_char *c, const char *set) {
    return c->code > 0 && c->code < 0x80 && strchr(set, (int)c->code) != NULL;
}
static int lemma_is_apostrophe(uint32_t code) {
    return code == '\'' || code == 0x2019;
}

/* ---- tables of words ----
   Sorted. "word=lemma" gives a lemma; a plain "word" is its own, whatever the rules would do. */

/* clang-format off */
/* closed classes of words, capitalised or not */
static const char *const lemma_words_any_case[] = {
    "'m=be", "'re=be", "'ve=have", "am=be", "are=be", "been=be", "being=be", "did=do", "does=do",
    "done=do", "had=have", "has=have", "having=have", "him=he", "is=be", "me=i", "n't=not",
    "them=they", "was=be", "were=be", "whom",
};

/* lower-case words that the rules get wrong */
static const char *const lemma_words_lower[] = {
    "abdomen", "abuses=abuse", "aches=ache", "acumen", "afterwards", "albumen", "alias",
    "alibis=alibi", "alumni=alumnus", "always", "anything", "appendices=appendix",
    "aquaria=aquarium", "atlas", "automata=automaton", "avalanches=avalanche", "axes=axe",
    "bacilli=bacillus", "bacteria=bacterium", "besides", "best=well", "better=well", "bias",
    "bigger=big", "biggest=big", "bikinis=bikini", "biped", "birdies=birdie", "bitumen", "bleed",
    "blogging", "bred", "breed", "bring", "brownies=brownie", "building", "caches=cache",
    "cacti=cactus", "calories=calorie", "calves=calf", "canoes=canoe", "canvas", "ceiling", "chaos",
    "christmas", "cilia=cilium", "cling", "clothing", "codices=codex", "collies=collie",
    "cookies=cookie", "corpora=corpus", "corps", "cosmos", "crania=cranium", "creches=creche",
    "creed", "crises=crisis", "criteria=criterion", "crossbred", "curricula=curriculum", "cyclamen",
    "darling", "data=datum", "deed", "deeper=deep", "deepest=deep", "during", "dwarves=dwarf",
    "earlier=early", "earring", "easier=easy", "elves=elf", "embed", "emus=emu",
    "engineering", "errata=erratum", "ethos", "evening", "everything", "examen", "exceed",
    "excuses=excuse", "farthing", "faster=fast", "fastest=fast", "feed", "feet=foot", "finest=fine",
    "fling", "floes=floe", "foci=focus", "foes=foe", "foodies=foodie", "fungi=fungus", "fuses=fuse",
    "ganglia=ganglion", "gases=gas", "geese=goose", "gelding", "genera=genus", "genies=genie",
    "gnus=gnu", "goes=go", "greater=great", "greatest=great", "greed", "gurus=guru",
    "gymnasia=gymnasium", "happier=happy", "hatred", "headaches=headache", "heavier=heavy",
    "herring", "hers", "higher=high", "highest=high", "hippies=hippie", "hoes=hoe", "hooves=hoof",
    "horseshoes=horseshoe", "housing", "hundred", "hymen", "indeed", "indices=index", "inning",
    "iraqis=iraqi", "junkies=junkie", "kindred", "kiwis=kiwi", "kudos", "larger=large",
    "largest=large", "leaves=leaf", "lens", "lice=louse", "lightning", "linguistics", "lives=life",
    "loaves=loaf", "loci=locus", "longer=long", "longest=long", "lower=low", "lowest=low", "lumen",
    "magi=magus", "marketing", "mars", "maths", "matrices=matrix", "media=medium",
    "memoranda=memorandum", "men=man", "menus=menu", "mice=mouse", "millennia=millennium",
    "mitochondria=mitochondrion", "moped", "morning", "moustaches=moustache", "movies=movie",
    "muses=muse", "naked", "nearest=near", "need", "neuroses=neurosis", "newer=new", "newest=new",
    "news", "niches=niche", "nothing", "nuclei=nucleus", "oases=oasis", "oboes=oboe", "offspring",
    "older=old", "oldest=old", "ours", "outing", "ova=ovum", "oxen=ox", "papyri=papyrus", "pathos",
    "perhaps", "phenomena=phenomenon", "phyla=phylum", "physics", "pixies=pixie",
    "polyhedra=polyhedron", "prairies=prairie", "proceed", "protozoa=protozoan", "psyches=psyche",
    "pudding", "quanta=quantum", "quiches=quiche", "quizzes=quiz", "rabbis=rabbi", "radii=radius",
    "ramen", "recluses=recluse", "reed", "refuses=refuse", "reggae", "regimen", "resent",
    "rhinoceros", "richer=rich", "richest=rich", "roes=roe", "rookies=rookie", "rugged", "sacred",
    "safaris=safari", "sans", "scarves=scarf", "sciences", "seed", "selfies=selfie", "selves=self",
    "semen", "series", "shed", "shilling", "shoes=shoe", "shortest=short", "sibling", "skis=ski",
    "sled", "sling", "smaller=small", "smallest=small", "smoothies=smoothie", "something",
    "species=specie", "specimen", "spectra=spectrum", "speed", "spring", "stadia=stadium", "stamen",
    "steed", "sterling", "stimuli=stimulus", "sting", "stocking", "strata=stratum", "string",
    "stronger=strong", "strongest=strong", "subspecies=subspecie", "succeed", "sundae", "swing",
    "symposia=symposium", "taller=tall", "tallest=tall", "taxis=taxi", "teeth=tooth",
    "termini=terminus", "theirs", "thieves=thief", "thing", "thrombi=thrombus", "toes=toe",
    "toothaches=toothache", "upstairs", "us=we", "uses=use", "vertices=vertex", "viking", "vitae",
    "vortices=vortex", "wedding", "weed", "wharves=wharf", "wicked", "wider=wide", "widest=wide",
    "woes=woe", "worse=bad", "worst=bad", "yemen", "younger=young", "youngest=young", "yours",
    "zombies=zombie",
};

/* irregular verbs; also used after a prefix */
static const char *const lemma_words_verbs[] = {
    "arisen=arise", "arose=arise", "ate=eat", "awoke=awake", "bade=bid", "beaten=beat",
    "became=become", "began=begin", "begun=begin", "bent=bend", "bitten=bite", "blew=blow",
    "blown=blow", "bore=bear", "born=bear", "borne=bear", "bought=buy", "bred=breed", "broke=break",
    "broken=break", "brought=bring", "built=build", "burnt=burn", "came=come", "caught=catch",
    "chose=choose", "chosen=choose", "clung=cling", "crept=creep", "dealt=deal", "drank=drink",
    "drawn=draw", "dreamt=dream", "drew=draw", "driven=drive", "drove=drive", "dug=dig",
    "dwelt=dwell", "dying=die", "eaten=eat", "fallen=fall", "fed=feed", "fell=fall", "felt=feel",
    "fled=flee", "flew=fly", "flown=fly", "flung=fling", "forgot=forget", "forgotten=forget",
    "forsaken=forsake", "forsook=forsake", "fought=fight", "found=find", "froze=freeze",
    "frozen=freeze", "gave=give", "given=give", "gone=go", "got=get", "gotten=get", "grew=grow",
    "grown=grow", "heard=hear", "held=hold", "hid=hide", "hidden=hide", "hung=hang", "kept=keep",
    "knelt=kneel", "knew=know", "known=know", "laid=lay", "leapt=leap", "learnt=learn", "led=lead",
    "left=leave", "lent=lend", "lit=light", "lost=lose", "lying=lie", "made=make", "meant=mean",
    "met=meet", "paid=pay", "ran=run", "rang=ring", "ridden=ride", "risen=rise", "rode=ride",
    "rose=rise", "rung=ring", "said=say", "sang=sing", "sank=sink", "sat=sit", "saw=see",
    "seen=see", "sent=send", "shaken=shake", "shone=shine", "shook=shake", "shot=shoot",
    "shown=show", "shrank=shrink", "shrunk=shrink", "slain=slay", "slept=sleep", "slew=slay",
    "slid=slide", "slung=sling", "smote=smite", "sold=sell", "sought=seek", "sown=sow",
    "spent=spend", "spoke=speak", "spoken=speak", "sprang=spring", "sprung=spring", "spun=spin",
    "stank=stink", "stole=steal", "stolen=steal", "stood=stand", "striven=strive", "strode=stride",
    "strove=strive", "struck=strike", "strung=string", "stuck=stick", "stung=sting", "stunk=stink",
    "sung=sing", "sunk=sink", "swam=swim", "swept=sweep", "swollen=swell", "swore=swear",
    "sworn=swear", "swum=swim", "swung=swing", "taken=take", "taught=teach", "thought=think",
    "threw=throw", "thrown=throw", "told=tell", "took=take", "tore=tear", "torn=tear", "trod=tread",
    "trodden=tread", "tying=tie", "understood=understand", "went=go", "wept=weep", "woke=wake",
    "woken=wake", "won=win", "wore=wear", "worn=wear", "wove=weave", "woven=weave", "written=write",
    "wrote=write", "wrought=work", "wrung=wring",
};

/* what -ing or -ed was added to, where the rules get it wrong */
static const char *const lemma_words_stems[] = {
    "ach=ache", "adher=adhere", "aton=atone", "ballot", "bast=baste", "bath=bathe",
    "beguil=beguile", "bely=belie", "bias", "biass=bias", "blasphem=blaspheme", "blitz", "boycott",
    "breath=breathe", "bus", "butt", "cach=cache", "cajol=cajole", "canvas", "catalog", "chorus",
    "cloth=clothe", "collar", "combat", "compet=compete", "compil=compile", "con", "condon=condone",
    "consol=console", "conven=convene", "crayon", "creat=create", "debut", "delet=delete", "dialog",
    "dy=dye", "excit=excite", "exhal=exhale", "exil=exile", "expedit=expedite", "focus",
    "focuss=focus", "forestall", "format", "frolick=frolic", "fulfill=fulfil", "gas", "gass=gas",
    "hast=haste", "ignit=ignite", "incit=incite", "inhal=inhale", "install", "interfer=interfere",
    "interven=intervene", "invalid", "invit=invite", "kayak", "kidnap", "layer", "loath=loathe",
    "mimick=mimic", "mortar", "murmur", "nauseat=nauseate", "outsell", "ow=owe", "panick=panic",
    "parrot", "past=paste", "permeat=permeate", "persever=persevere", "picnick=picnic", "pilot",
    "pivot", "postpon=postpone", "procreat=procreate", "profil=profile", "program", "purr",
    "quizz=quiz", "recit=recite", "reconcil=reconcile", "recreat=recreate", "resell",
    "reunit=reunite", "rout=route", "seeth=seethe", "sheath=sheathe", "sing=singe", "sooth=soothe",
    "sugar", "sync", "tast=taste", "telephon=telephone", "traffick=traffic", "underly=underlie",
    "undersell", "unit=unite", "unroll", "unty=untie", "vy=vie", "waltz", "wast=waste",
    "wreath=wreathe",
};

/* capitalised words that are no names */
static const char *const lemma_words_names[] = {
    "bengalis=bengali", "iraqis=iraqi", "israelis=israeli", "nazis=nazi", "others=other",
    "pakistanis=pakistani", "rising=rise", "somalis=somali", "sunnis=sunni",
};

/* names in -s that are no plurals, even where they stand alone */
static const char *const lemma_words_lone_names[] = {
    "achilles", "adams", "algiers", "amiens", "andrews", "angeles", "angers", "antibes", "arabs",
    "archimedes", "ardennes", "ares", "aristophanes", "athens", "bourges", "brussels", "cannes",
    "cars", "ceres", "cevennes", "charles", "chartres", "collins", "cyclades", "daniels", "des",
    "descartes", "dickens", "edwards", "emirates", "evans", "hades", "hastings", "hawkins",
    "hebrides", "hercules", "hermes", "higgins", "hopkins", "hughes", "james", "jenkins",
    "jennings", "jones", "keynes", "limoges", "lyons", "maldives", "marseilles", "massachusetts",
    "matthews", "mcdonalds", "mercedes", "moses", "myers", "nantes", "naples", "netherlands",
    "news", "orleans", "owens", "pericles", "perkins", "peters", "philips", "phillips", "poitiers",
    "reims", "rennes", "reuters", "rhodes", "richards", "robbins", "roberts", "rogers", "rouges",
    "sanders", "sans", "saunders", "sears", "seychelles", "siemens", "simmons", "socrates",
    "soviets", "starbucks", "stephens", "stevens", "sussex", "thales", "times", "tours", "vannes",
    "versailles", "vosges", "wales", "walters", "watts", "wilkins", "williams", "worms", "xerxes",
    "ypres",
};

/* tokens with a full stop or an apostrophe */
static const char *const lemma_abbreviations[] = {
    "'d", "'ll", "'m", "'re", "'ve", "Adm.", "Ala.", "Apr.", "Ariz.", "Ark.", "Aug.", "Bros.",
    "Calif.", "Co.", "Colo.", "Conn.", "Corp.", "D.C.", "Dec.", "Del.", "Dr.", "E.g.", "Feb.",
    "Fla.", "Ga.", "Gen.", "Gov.", "I.e.", "Ia.", "Id.", "Ill.", "Inc.", "Ind.", "Jan.", "Jr.",
    "Jul.", "Jun.", "Kan.", "Kans.", "Ky.", "La.", "Ltd.", "Mar.", "Mass.", "Md.", "Messrs.",
    "Mich.", "Minn.", "Miss.", "Mo.", "Mont.", "Mr.", "Mrs.", "Ms.", "N.C.", "N.D.", "N.H.", "N.J.",
    "N.M.", "N.Y.", "Neb.", "Nebr.", "Nev.", "Nov.", "Oct.", "Okla.", "Ore.", "Pa.", "Ph.D.",
    "Prof.", "Rep.", "Rev.", "S.C.", "Sen.", "Sep.", "Sept.", "St.", "Tenn.", "Va.", "Wash.",
    "Wis.", "a.m.", "e.g.", "i.e.", "n't", "o.o", "p.m.", "v.s.", "vs.",
};

/* words of two tokens, and where the second begins */
static const char *const lemma_splits[] = {
    "arent=3", "cannot=3", "cant=2", "didnt=3", "doesnt=4", "dont=2", "gonna=3", "gotta=3", "hes=2",
    "id=1", "im=1", "isnt=2", "ive=1", "shes=3", "theyre=4", "wont=2", "youre=3",
};

/* units, tokens of their own after a digit */
static const char *const lemma_units[] = {
    "%", "G", "GB", "K", "KB", "M", "MB", "Pa", "T", "TB", "cm", "dm", "ft", "g", "gb", "hPa", "ha",
    "in", "kb", "kg", "km", "km/h", "lb", "m", "m/s", "mb", "mbar", "mg", "mm", "mph", "nm", "oz",
    "t", "tb", "yd",
};

/* not recognised in capitals (IT, HE) */
static const char *const lemma_pronouns[] = {
    "he", "him", "i", "it", "me", "she", "that", "them", "there", "they", "we", "what", "who",
    "whom", "you",
};

/* what may follow a pronoun */
static const char *const lemma_contractions[] = {
    "'d", "'ll", "'m", "'re", "'ve",
};

/* before an irregular verb */
static const char *const lemma_verb_prefixes[] = {
    "for", "fore", "in", "mis", "out", "over", "pre", "re", "under", "up", "with",
};
/* clang-format on */

typedef struct lemma_words {
    const char *const *items;
    size_t count;
} lemma_words;
#define LEMMA_WORDS(name) \
    { name, sizeof name / sizeof *name }

enum {
    LEMMA_IN_ANY_CASE,
    LEMMA_IN_LOWER,
    LEMMA_OF_VERBS,
    LEMMA_OF_STEMS,
    LEMMA_OF_NAMES,
    LEMMA_OF_LONE_NAMES,
    LEMMA_ABBREVIATIONS,
    LEMMA_SPLITS,
    LEMMA_UNITS,
    LEMMA_PRONOUNS,
    LEMMA_CONTRACTIONS,
    LEMMA_VERB_PREFIXES
};
static const lemma_words lemma_tables[] = {
    LEMMA_WORDS(lemma_words_any_case), LEMMA_WORDS(lemma_words_lower),
    LEMMA_WORDS(lemma_words_verbs),    LEMMA_WORDS(lemma_words_stems),
    LEMMA_WORDS(lemma_words_names),    LEMMA_WORDS(lemma_words_lone_names),
    LEMMA_WORDS(lemma_abbreviations),  LEMMA_WORDS(lemma_splits),
    LEMMA_WORDS(lemma_units),          LEMMA_WORDS(lemma_pronouns),
    LEMMA_WORDS(lemma_contractions),   LEMMA_WORDS(lemma_verb_prefixes)};
#undef LEMMA_WORDS

/* The lemma of the word in its table, "" if that is the word itself; NULL if the table has no such
   word. */
static const char *lemma_word_find(int table, const char *word, size_t n) {
    size_t low = 0, high = lemma_tables[table].count;
    while (low < high) {
        size_t middle = (low + high) / 2, i = 0;
        const char *entry = lemma_tables[table].items[middle];
        int order;
        while (i < n && entry[i] && entry[i] != '=' && entry[i] == word[i]) i++;
        if (entry[i] && entry[i] != '=')
            order = i < n && (unsigned char)word[i] > (unsigned char)entry[i] ? 1 : -1;
        else order = i < n;
        if (!order) return entry[i] ? entry + i + 1 : entry + i;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}

/* Does the word end so? */
static int lemma_ends(const char *word, size_t n, const char *ending) {
    size_t k = strlen(ending);
    return n >= k && !memcmp(word + n - k, ending, k);
}
/* Does it end in one of these, separated by spaces: "ies ves"? */
static int lemma_ends_any(const char *word, size_t n, const char *endings) {
    while (*endings) {
        size_t k = strcspn(endings, " ");
        if (n >= k && !memcmp(word + n - k, endings, k)) return 1;
        endings += k + (endings[k] == ' ');
    }
    return 0;
}

/* ---- tokens ---- */

typedef struct lemma_token {
    size_t begin, end; /* characters; once the lemma is made, `end` is the lemma's, in bytes */
} lemma_token;

typedef struct lemma_maker {
    sgf_allocator mem;
    lemma_char *chars;
    size_t count, chars_cap;
    void *tokens;
    size_t token_count, tokens_cap;
    base_buf text; /* the lemmas, one after the other */
    sgf_status status;
    sgf_error *err;
} lemma_maker;

static void lemma_token_add(lemma_maker *m, size_t begin, size_t end) {
    lemma_token *token;
    if (m->status || begin == end) return;
    m->status = base_grow(&m->mem, &m->tokens, &m->tokens_cap, m->token_count + 1, sizeof *token,
                          m->err);
    if (m->status) return;
    token = (lemma_token *)m->tokens + m->token_count++;
    token->begin = begin;
    token->end = end;
}
/* The characters [begin, end) as text, if all are ASCII (or an apostrophe) and at most 15; else 0. */
static size_t lemma_short_text(const lemma_char *c, size_t begin, size_t end, int lower,
                               char text[16]) {
    size_t i;
    if (end - begin > 15) return 0;
    for (i = begin; i < end; i++) {
        uint32_t code = lemma_is_apostrophe(c[i].code) ? '\'' : c[i].code;
        if (code >= 0x80) return 0;
        text[i - begin] = (char)(lower ? lemma_char_lower(code) : code);
    }
    return end - begin;
}
static size_t lemma_dots(const lemma_char *c, size_t begin, size_t end) {
    size_t i = begin;
    while (i < end && c[i].code == '.') i++;
    return i - begin;
}
/* Where spaCy has an exception for c[begin, end): 0 none, `end` the whole is a token ("Dr."),
   otherwise where its second token begins ("do|n't", "can|not"). */
static size_t lemma_token_special(const lemma_char *c, size_t begin, size_t end) {
    char text[16];
    const char *found;
    size_t n = lemma_short_text(c, begin, end, 0, text), i;
    int plain = 1; /* lower case but for the first letter */
    if (n && lemma_word_find(LEMMA_ABBREVIATIONS, text, n)) return end;
    if (n == 2 && text[1] == '.' && text[0] >= 'a' && text[0] <= 'z') return end;
    for (i = begin + 1; i < end && i - begin < 16; i++)
        if (lemma_char_is(&c[i], LEMMA_UPPER)) plain = 0;
    n = lemma_short_text(c, begin, end, 1, text);
    found = n && plain ? lemma_word_find(LEMMA_SPLITS, text, n) : NULL;
    if (found) return begin + (size_t)(*found - '0');
    for (i = 2; i <= 3 && i < end - begin; i++) { /* 's is not here: a suffix like others */
        char tail[16], head[16];
        size_t tails = lemma_short_text(c, end - i, end, 1, tail);
        if (lemma_ends(tail, tails, "n't")) return end - 3;
        if (!tails || !lemma_word_find(LEMMA_CONTRACTIONS, tail, tails)) continue;
        n = lemma_short_text(c, begin, end - i, 1, head);
        if (n && lemma_word_find(LEMMA_PRONOUNS, head, n)) return end - i;
    }
    return 0;
}
/* How many characters at the beginning, or at the end, are a token of their own. */
static size_t lemma_token_prefix(const lemma_char *c, size_t begin, size_t end) {
    const lemma_char *first = c + begin;
    size_t dots = lemma_dots(c, begin, end);
    if (lemma_char_is(first, LEMMA_PUNCT | LEMMA_QUOTE | LEMMA_MONEY | LEMMA_ICON) ||
        lemma_char_in(first, "%=") || first->code == 0xA7 || first->code == 0x2013 ||
        first->code == 0x2014)
        return 1;
    if (dots > 1) return dots;
    return first->code == '+' && !(end - begin > 1 && lemma_char_is(first + 1, LEMMA_DIGIT));
}
static size_t lemma_token_unit(const lemma_char *c, size_t begin, size_t end) {
    size_t at = end, n;
    char text[16];
    while (at > begin && end - at < 6 && !lemma_char_is(&c[at - 1], LEMMA_DIGIT)) at--;
    if (at == begin || at == end || !lemma_char_is(&c[at - 1], LEMMA_DIGIT)) return 0;
    n = lemma_short_text(c, at, end, 0, text);
    return n && lemma_word_find(LEMMA_UNITS, text, n) ? n : 0;
}
static size_t lemma_token_suffix(const lemma_char *c, size_t begin, size_t end) {
    size_t n = end - begin, dots = 0;
    const lemma_char *last = c + end - 1, *before = n > 1 ? last - 1 : last;
    if (n > 1 && lemma_is_apostrophe(before->code) && lemma_char_in(last, "sS")) return 2;
    while (dots < n && c[end - 1 - dots].code == '.') dots++;
    if (dots > 1) return dots;
    if (lemma_char_is(last, LEMMA_PUNCT | LEMMA_QUOTE | LEMMA_ICON) || last->code == 0x2013 ||
        last->code == 0x2014)
        return 1;
    if (n < 2) return 0;
    if ((last->code == '+' || lemma_char_is(last, LEMMA_MONEY)) &&
        lemma_char_is(before, LEMMA_DIGIT))
        return 1;
    if (last->code == '.') {
        if (lemma_char_is(before, LEMMA_DIGIT | LEMMA_PUNCT | LEMMA_QUOTE) ||
            lemma_char_is_lower(before))
            return 1;
        if (lemma_char_in(before, "%-+") || before->code == 0xB2) return 1;
        return n > 2 && lemma_char_is(before, LEMMA_UPPER) &&
               lemma_char_is(before - 1, LEMMA_UPPER);
    }
    return lemma_token_unit(c, begin, end);
}
/* How many characters at c[at], inside [begin, end), are a token between two others. */
static size_t lemma_token_infix(const lemma_char *c, size_t begin, size_t at, size_t end) {
    const lemma_char *mark = c + at, *before, *after;
    size_t n = lemma_dots(c, at, end);
    if (n > 1) return n;
    if (mark->code == 0x2026 || lemma_char_is(mark, LEMMA_ICON)) return 1;
    if (at == begin || at + 1 == end) return 0;
    before = mark - 1;
    after = mark + 1;
    if (lemma_char_in(mark, "+-*^") && lemma_char_is(before, LEMMA_DIGIT) &&
        (lemma_char_is(after, LEMMA_DIGIT) || after->code == '-'))
        return 1;
    if (mark->code == '.')
        return (lemma_char_is_lower(before) || lemma_char_is(before, LEMMA_QUOTE)) &&
               lemma_char_is(after, LEMMA_UPPER | LEMMA_QUOTE);
    if (mark->code == ',')
        return lemma_char_is(before, LEMMA_ALPHA) && lemma_char_is(after, LEMMA_ALPHA);
    if (!lemma_char_is(before, LEMMA_ALPHA | LEMMA_DIGIT)) return 0;
    if (lemma_char_is(mark, LEMMA_DASH)) {
        int runs = mark->code == '-' || mark->code == 0x2014;
        for (n = 1; runs && at + n < end && mark[n].code == mark->code;) n++;
        return at + n < end && lemma_char_is(mark + n, LEMMA_ALPHA) ? n : 0;
    }
    return lemma_char_in(mark, ":<>=/") && lemma_char_is(after, LEMMA_ALPHA);
}
static void lemma_token_cut(lemma_maker *m, size_t begin, size_t end) {
    size_t at = begin, from = begin;
    while (at < end) {
        size_t n = lemma_token_infix(m->chars, begin, at, end);
        if (n) {
            lemma_token_add(m, from, at);
            lemma_token_add(m, at, at + n);
            from = at + n;
        }
        at += n ? n : 1;
    }
    lemma_token_add(m, from, end);
}
/* One stretch without blanks. A prefix becomes a token at once; the beginning of a suffix is marked, and
   the marks are read from left to right after the middle. */
static void lemma_token_stretch(lemma_maker *m, size_t begin, size_t end) {
    lemma_char *c = m->chars;
    size_t last = end, special = 0, i;
    while (begin < last) {
        size_t before, behind;
        special = lemma_token_special(c, begin, last);
        if (special) break;
        before = lemma_token_prefix(c, begin, last);
        behind = begin + before < last ? lemma_token_suffix(c, begin + before, last) : 0;
        if (!before && !behind) break;
        if (before && begin + before < last && lemma_token_special(c, begin + before, last))
            behind = 0;
        else if (behind && begin < last - behind && lemma_token_special(c, begin, last - behind))
            before = 0;
        lemma_token_add(m, begin, begin + before);
        begin += before;
        last -= behind;
        if (behind) c[last].is |= LEMMA_CUT;
    }
    if (begin < last && special) {
        lemma_token_add(m, begin, special);
        lemma_token_add(m, special, last);
    } else lemma_token_cut(m, begin, last);
    for (i = last; i < end; i = begin) {
        for (begin = i + 1; begin < end && !lemma_char_is(&c[begin], LEMMA_CUT);) begin++;
        lemma_token_add(m, i, begin);
    }
}
/* A run of blanks is a token too, without the one space that follows a token. */
static void lemma_tokens_make(lemma_maker *m) {
    size_t at = 0, end;
    while (at < m->count && !m->status) {
        for (end = at; end < m->count && lemma_char_is(&m->chars[end], LEMMA_SPACE);) end++;
        if (end > at) {
            lemma_token_add(m, at + (m->token_count && m->chars[at].code == ' '), end);
        } else {
            while (end < m->count && !lemma_char_is(&m->chars[end], LEMMA_SPACE)) end++;
            lemma_token_stretch(m, at, end);
        }
        at = end;
    }
}

/* ---- words ----
   A lower-case word is at m->text.ptr + start, up to the end of the buffer, and its ending is changed
   in place. It consists of letters and apostrophes. */

static int lemma_is_vowel(char c) {
    return strchr("aeiou", c) != NULL;
}
/* Runs of vowels. */
static size_t lemma_syllables(const char *word, size_t n) {
    size_t i, count = 0;
    int inside = 0;
    for (i = 0; i < n; i++) {
        int vowel = strchr("aeiouy", word[i]) != NULL;
        count += vowel && !inside;
        inside = vowel;
    }
    return count;
}

/* The word becomes its first n bytes and then the ending. */
static void lemma_word_become(lemma_maker *m, size_t start, size_t n, const char *ending) {
    m->text.len = start + n;
    m->status = base_buf_text(&m->text, ending, m->err);
}
/* If the word is in the table, its lemma is taken from there. */
static int lemma_word_known(lemma_maker *m, size_t start, int table) {
    const char *lemma = lemma_word_find(table, m->text.ptr + start, m->text.len - start);
    if (lemma && *lemma) lemma_word_become(m, start, 0, lemma);
    return lemma != NULL;
}
/* Does the verb end in e, given its stem before -ing or -ed: writ|ing yes, act|ing no? */
static int lemma_stem_takes_e(const char *stem, size_t n) {
    char last = stem[n - 1], before = stem[n - 2], third = n > 2 ? stem[n - 3] : ' ';
    if (strchr("cvuzs", last)) return 1;
    if (last == 'g' && before == 'n')
        return lemma_ends_any(stem, n,
                              "eng lung oung pung rang chang hing swing cring fring mping");
    if (last == 'g') return 1;
    if (last == 'l' && strchr("bcdfgkptzs", before)) return 1;
    if (last == 'r' && !strchr("aeiouywr", before)) return 1;
    if (strchr("ewxyhjioa", last)) return 0;
    if (!lemma_is_vowel(before) && before != 'y') return 0;
    if (lemma_is_vowel(third) && !(third == 'u' && n > 3 && stem[n - 4] == 'q'))
        return lemma_ends_any(stem, n, "iat uat suad guid");
    if (lemma_ends_any(stem, n, "cret writ plor stor gnor ador com scop plet scor thron")) return 1;
    return lemma_syllables(stem, n) == 1 ||
           lemma_ends_any(stem, n,
                          "at ad id od ud ed ak ik ok uk am im um ap yp ar ir ur ut ot in un "
                          "ul ib ob ub ab");
}
/* What -ing or -ed was added to: stopp -> stop, mak -> make. The stem is the word's first n bytes. */
static void lemma_word_stem(lemma_maker *m, size_t start, size_t n) {
    const char *stem = m->text.ptr + start;
    static const char recalls[] = "call fall fill tell kill spell ball wall";
    size_t syllables = lemma_syllables(stem, n);
    m->text.len = start + n;
    if (lemma_word_known(m, start, LEMMA_OF_STEMS)) return;
    if (n < 2 || !syllables) return;
    if (stem[n - 1] == stem[n - 2]) {
        int travels = stem[n - 1] == 'l' && syllables > 1 && !lemma_ends_any(stem, n, recalls);
        if (travels || (n > 3 && !strchr("lsfzeo", stem[n - 1])))
            lemma_word_become(m, start, n - 1, "");
    } else if (lemma_stem_takes_e(stem, n)) lemma_word_become(m, start, n, "e");
}
static void lemma_word_singular(lemma_maker *m, size_t start) {
    static const struct {
        const char *endings, *become;
        size_t strip;
    } rules[] = {
        {"ies", "y", 3},           {"sses shes ches xes tzes zzes", "", 2},
        {"ouses auses", "", 1},    {"yses theses gnoses phoses", "is", 2},
        {"wives knives", "fe", 3}, {"wolves shelves halves", "f", 3},
        {"uses oes", "", 2},
    };
    const char *word = m->text.ptr + start;
    size_t n = m->text.len - start, i;
    if (n > 4)
        for (i = 0; i < sizeof rules / sizeof *rules; i++)
            if (lemma_ends_any(word, n, rules[i].endings)) {
                lemma_word_become(m, start, n - rules[i].strip, rules[i].become);
                return;
            }
    lemma_word_become(m, start, n - 1, "");
}
/* An irregular verb, also after a prefix: rewritten -> rewrite. */
static int lemma_word_verb(lemma_maker *m, size_t start) {
    const char *word = m->text.ptr + start;
    size_t n = m->text.len - start, i;
    if (lemma_word_known(m, start, LEMMA_OF_VERBS)) return 1;
    for (i = 2; i <= 5 && i < n; i++)
        if (lemma_word_find(LEMMA_VERB_PREFIXES, word, i)) {
            const char *verb = lemma_word_find(LEMMA_OF_VERBS, word + i, n - i);
            if (verb) lemma_word_become(m, start, i, verb);
            if (verb) return 1;
        }
    return 0;
}
static void lemma_word_lower(lemma_maker *m, size_t start) {
    const char *word = m->text.ptr + start;
    size_t n = m->text.len - start;
    if (lemma_word_known(m, start, LEMMA_IN_LOWER) || lemma_word_verb(m, start)) return;
    if (n > 5 && lemma_ends(word, n, "ed") && !memcmp(word, "un", 2) && memcmp(word, "under", 5) &&
        memcmp(word, "unif", 4))
        return; /* adjectives: unmarried */
    if (lemma_ends(word, n, "children")) lemma_word_become(m, start, n - 3, "");
    else if (n > 6 && lemma_ends(word, n, "iest")) lemma_word_become(m, start, n - 4, "y");
    else if (lemma_ends(word, n, "eaux") || (n > 4 && lemma_ends(word, n, "ae")))
        lemma_word_become(m, start, n - 1, "");
    else if (n > 3 && word[n - 1] == 's') {
        if (!lemma_ends_any(word, n, "ss us is") || lemma_ends(word, n, "eaus"))
            lemma_word_singular(m, start);
    } else if (n > 4 && lemma_ends(word, n, "men")) lemma_word_become(m, start, n - 2, "an");
    else if (n > 4 && lemma_ends(word, n, "ing")) lemma_word_stem(m, start, n - 3);
    else if (n > 4 && lemma_ends(word, n, "ied")) lemma_word_become(m, start, n - 3, "y");
    else if (lemma_ends(word, n, "ied")) lemma_word_become(m, start, n - 1, "");
    else if (n > 3 && lemma_ends(word, n, "eed")) lemma_word_become(m, start, n - 1, "");
    else if (n > 3 && lemma_ends(word, n, "ed")) lemma_word_stem(m, start, n - 2);
}
/* A capitalised word is a name and is not changed, with a few exceptions when it is the only word
   (`lone`). */
static void lemma_word_capital(lemma_maker *m, size_t start, int lone, int shouted, int hyphened) {
    const char *word = m->text.ptr + start;
    size_t n = m->text.len - start;
    static const char verbs[] = /* rather than Beijing, Wyoming, Irving */
        "acting shing nting ncing nking riting eading siding ording mming unning aching rming inging";
    if (lemma_word_known(m, start, LEMMA_OF_NAMES)) return;
    if (lemma_ends(word, n, "'ing") ||
        (!hyphened && lemma_ends(word, n, "ing") && memchr(word, '\'', n))) {
        lemma_word_become(m, start, n - 3,
                          "e"); /* Ch'ing: to spaCy an unknown verb, which gets an e */
        return;
    }
    if (!lone || shouted || lemma_word_known(m, start, LEMMA_OF_LONE_NAMES)) return;
    if (lemma_ends_any(word, n, verbs)) lemma_word_stem(m, start, n - 3);
    else if (n > 3 && word[n - 1] == 's' && !lemma_ends_any(word, n, "ss us is as os ys"))
        lemma_word_become(m, start, n - 1, "");
}

/* ---- lemmas ---- */

/* str.lower() of one token. */
static void lemma_token_lower(lemma_maker *m, const lemma_char *c, size_t n) {
    size_t i;
    for (i = 0; i < n && !m->status; i++) {
        char bytes[8];
        uint32_t code = lemma_char_lower(c[i].code);
        size_t k;
        if (c[i].code == 0x3A3 && i && lemma_char_is(&c[i - 1], LEMMA_ALPHA) &&
            !(i + 1 < n && lemma_char_is(&c[i + 1], LEMMA_ALPHA)))
            code = 0x3C2; /* sigma at the end of a word */
        if (code >= LEMMA_BYTE) {
            bytes[0] = (char)(unsigned char)(code - LEMMA_BYTE);
            k = 1;
        } else if (code == 0x130) { /* I with a dot, the only letter that becomes two */
            bytes[0] = 'i';
            k = 1 + base_utf8_put(0x307, bytes + 1);
        } else k = base_utf8_put(code, bytes);
        m->status = base_buf_add(&m->text, bytes, k, m->err);
    }
}
/* lone: the only word of the text; hyphened: after a hyphen; in_name: in a chain of hyphens that begins
   with a capital. */
static void lemma_token_lemma(lemma_maker *m, const lemma_char *c, size_t n, int lone, int hyphened,
                              int in_name) {
    size_t start = m->text.len, i;
    int word = lemma_char_is(&c[0], LEMMA_ALPHA), shouted = n > 1;
    const char *plain = "";
    if (c[0].code == 0x201C || c[0].code == 0x201D) plain = "\"";
    if (c[0].code == 0x2018 || c[0].code == 0x2019) plain = "'";
    if (n == 1 && *plain) m->status = base_buf_text(&m->text, plain, m->err);
    else lemma_token_lower(m, c, n);
    for (i = 0; i < n; i++) {
        if (!lemma_char_is(&c[i], LEMMA_ALPHA) && !lemma_is_apostrophe(c[i].code)) word = 0;
        if (lemma_char_is_lower(&c[i])) shouted = 0;
    }
    if (m->status) return;
    if (!(shouted && lemma_word_find(LEMMA_PRONOUNS, m->text.ptr + start, m->text.len - start)) &&
        lemma_word_known(m, start, LEMMA_IN_ANY_CASE))
        return;
    if (!word || (hyphened && in_name && !lemma_char_is(&c[0], LEMMA_UPPER))) return;
    if (lemma_char_is(&c[0], LEMMA_UPPER)) lemma_word_capital(m, start, lone, shouted, hyphened);
    else lemma_word_lower(m, start);
}
static void lemma_tokens_lemmas(lemma_maker *m) {
    lemma_token *tokens = (lemma_token *)m->tokens;
    size_t words = 0, i, j;
    int hyphened = 0; /* is the token before this one a hyphen? */
    int names[2]; /* of the latest even, odd token: does its chain a-b-c begin with a capital? */
    names[0] = names[1] = 0;
    for (i = 0; i < m->token_count && words < 2; i++) {
        for (j = tokens[i].begin; j < tokens[i].end && !lemma_char_is(&m->chars[j], LEMMA_ALPHA);)
            j++;
        words += j < tokens[i].end;
    }
    for (i = 0; i < m->token_count && !m->status; i++) {
        const lemma_char *c = m->chars + tokens[i].begin;
        size_t n = tokens[i].end - tokens[i].begin;
        if (i < 2 || !hyphened) names[i % 2] = lemma_char_is(&c[0], LEMMA_UPPER);
        lemma_token_lemma(m, c, n, words == 1, hyphened, i > 1 && names[i % 2]);
        hyphened = n == 1 && c[0].code == '-';
        tokens[i].end = m->text.len;
    }
}

/* Bytes -> characters with their classes. */
static void lemma_chars_make(lemma_maker *m, sgf_str text) {
    size_t at = 0;
    m->chars_cap = text.len + 1; /* the last one only holds a CUT */
    m->chars = (lemma_char *)base_alloc(&m->mem, m->chars_cap, sizeof *m->chars, m->err);
    if (!m->chars) m->status = SGF_ERR_MEMORY;
    while (m->chars && at < text.len) {
        lemma_char *c = m->chars + m->count++;
        size_t n = base_utf8_next(text.ptr + at, text.len - at, &c->code);
        if (n) c->is = lemma_char_class(c->code);
        else c->code = LEMMA_BYTE + (unsigned char)text.ptr[at];
        at += n ? n : 1;
    }
}
static int lemma_same_text(sgf_str a, sgf_str b) {
    return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

/* borders[i]: the length of the longest proper end of items[0..i] that is also its beginning
   (Knuth, Morris and Pratt 1977). */
static void lemma_borders_make(lemma_list *lemmas) {
    size_t i, k = 0;
    for (i = 1; i < lemmas->count; i++) {
        while (k && !lemma_same_text(lemmas->items[i], lemmas->items[k]))
            k = lemmas->borders[k - 1];
        if (lemma_same_text(lemmas->items[i], lemmas->items[k])) k++;
        lemmas->borders[i] = k;
    }
}
/* One block: items, borders, texts. Returns the place for the texts, or NULL. */
static char *lemma_list_block(const sgf_allocator *mem, size_t count, size_t bytes,
                              lemma_list *lemmas, sgf_error *err) {
    size_t each = sizeof(sgf_str) + sizeof(size_t);
    lemmas->mem = *mem;
    lemmas->count = count;
    lemmas->size = count * each + bytes;
    if (count > SIZE_MAX / 2 / each) lemmas->size = SIZE_MAX; /* which no allocator has */
    lemmas->items = (sgf_str *)base_alloc(mem, lemmas->size, 1, err);
    if (!lemmas->items) return NULL;
    lemmas->borders = (size_t *)(void *)(lemmas->items + count);
    return (char *)(lemmas->borders + count);
}
static void lemma_list_pack(lemma_maker *m, lemma_list *out) {
    const lemma_token *tokens = (const lemma_token *)m->tokens;
    size_t i, at = 0;
    lemma_list made;
    char *texts = lemma_list_block(&m->mem, m->token_count, m->text.len, &made, m->err);
    if (!texts) {
        m->status = SGF_ERR_MEMORY;
        return;
    }
    if (m->text.len) memcpy(texts, m->text.ptr, m->text.len);
    for (i = 0; i < made.count; i++) {
        made.items[i] = base_text_of(texts + at, tokens[i].end - at);
        at = tokens[i].end;
    }
    lemma_borders_make(&made);
    *out = made;
}
sgf_status lemma_list_copy(const sgf_str *items, size_t n, const sgf_allocator *mem,
                           lemma_list *out, sgf_error *err) {
    sgf_allocator own = base_allocator(mem);
    lemma_list made;
    size_t i, bytes = 0;
    char *texts;
    for (i = 0; i < n; i++) {
        if (items[i].len > SIZE_MAX / 4 - bytes)
            return base_fail(err, SGF_ERR_LIMIT, "lemmas of more bytes than there is memory");
        bytes += items[i].len;
    }
    texts = lemma_list_block(&own, n, bytes, &made, err);
    if (!texts) return SGF_ERR_MEMORY;
    for (i = 0; i < n; i++) {
        if (items[i].len) memcpy(texts, items[i].ptr, items[i].len);
        made.items[i] = base_text_of(texts, items[i].len);
        texts += items[i].len;
    }
    lemma_borders_make(&made);
    *out = made;
    return SGF_OK;
}
sgf_status lemma_list_make(sgf_str text, const sgf_allocator *mem, lemma_list *out,
                           sgf_error *err) {
    lemma_maker m;
    memset(&m, 0, sizeof m);
    m.mem = base_allocator(mem);
    m.err = err;
    base_buf_init(&m.text, mem);
    lemma_chars_make(&m, text);
    if (!m.status) lemma_tokens_make(&m);
    if (!m.status) lemma_tokens_lemmas(&m);
    if (!m.status) lemma_list_pack(&m, out);
    base_free(&m.mem, m.chars, m.chars_cap, sizeof *m.chars);
    base_free(&m.mem, m.tokens, m.tokens_cap, sizeof(lemma_token));
    base_buf_free(&m.text);
    return m.status;
}
void lemma_list_free(lemma_list *lemmas) {
    if (!lemmas) return;
    base_free(&lemmas->mem, lemmas->items, lemmas->size, 1);
    lemmas->items = NULL;
    lemmas->borders = NULL;
    lemmas->count = lemmas->size = 0;
}
static int lemma_within(const lemma_list *slice, const lemma_list *whole) {
    size_t i, k = 0;
    if (!slice->count) return 0;
    for (i = 0; i < whole->count && k < slice->count; i++) {
        while (k && !lemma_same_text(whole->items[i], slice->items[k])) k = slice->borders[k - 1];
        if (lemma_same_text(whole->items[i], slice->items[k])) k++;
    }
    return k == slice->count;
}
int lemma_match(const lemma_list *prediction, const lemma_list *gold, int two_way) {
    return lemma_within(gold, prediction) || (two_way && lemma_within(prediction, gold));
}
/* The lemmas of the normal form; `arena` holds that until the caller is done. */
static sgf_status lemma_list_normal(sgf_str text, base_arena *arena, lemma_list *out,
                                    sgf_error *err) {
    sgf_str normal;
    sgf_status status = unicode_normal(text, 0, arena, &normal, err);
    return status ? status : lemma_list_make(normal, NULL, out, err);
}
sgf_status lemma_match_any(sgf_str prediction, const sgf_str *answers, size_t n, int *one_way,
                           int *two_way, sgf_error *err) {
    lemma_list predicted, gold;
    base_arena arena;
    int one = 0, two = 0;
    size_t i;
    sgf_status status;
    memset(&predicted, 0, sizeof predicted);
    base_arena_init(&arena, NULL);
    status = lemma_list_normal(prediction, &arena, &predicted, err);
    for (i = 0; i < n && !one && !status; i++) {
        status = lemma_list_normal(answers[i], &arena, &gold, err);
        if (status) break;
        one = lemma_match(&predicted, &gold, 0);
        two = two || lemma_match(&predicted, &gold, 1);
        lemma_list_free(&gold);
    }
    lemma_list_free(&predicted);
    base_arena_free(&arena);
    if (status) return status;
    if (one_way) *one_way = one;
    if (two_way) *two_way = two;
    return SGF_OK;
}
