"""`segfuse lemmatize` and `segfuse analyze` against pandas, SciPy, statsmodels and Python's random.

Result files of several methods, some with several rows a question or with questions missing, are
written by pandas (Feather with LZ4, CSV with Python lists), lemmatized and analyzed by us. Then
they are read the way the original's notebooks do it (pd.read_feather, lists of lists, a partial
match written anew here), and every number of the analysis is computed again.
"""
import argparse, json, math, os, random, subprocess, tempfile, unicodedata
import numpy as np
import pandas as pd
from scipy.stats import binomtest
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

CHECKS = 0
np.seterr(invalid='ignore')  # statsmodels' standard errors of a perfect kappa


def near(ours, theirs, what, most=1e-9):
    global CHECKS
    CHECKS += 1
    if theirs is None or (isinstance(theirs, float) and math.isnan(theirs)):
        assert ours is None, f'{what}: {ours}, wanted nothing'
    else:
        assert ours is not None and abs(ours - theirs) <= most * max(1, abs(theirs)), f'{what}: {ours}, wanted {theirs}'


def equal(ours, theirs, what):
    global CHECKS
    CHECKS += 1
    assert ours == theirs, f'{what}: {ours}, wanted {theirs}'


def holds(whole, part):
    """Is the list `part` a run of the list `whole`?"""
    n = len(part)
    return n > 0 and any(whole[i:i + n] == part for i in range(len(whole) - n + 1))


def matches(prediction, golds, two_way):
    return any(holds(prediction, g) or (two_way and holds(g, prediction)) for g in golds)


def read(path):
    """One file as the original reads it: rows of (uuid, right one-way, right two-way, lemmas, empty)."""
    df = pd.read_feather(path)
    rows = []
    for row in df.itertuples():
        lemmas, golds = list(row.predict_lemma), [list(x) for x in row.answer_lemmas]
        empty = not (row.prediction or '').strip()
        rows.append((row.uuid, matches(lemmas, golds, False) and not empty,
                     matches(lemmas, golds, True) and not empty, lemmas, empty))
    return rows


def by_question(rows):
    questions = {}
    for row in rows:
        questions.setdefault(row[0], []).append(row)
    return questions


def vote(questions):
    """The most frequent lemmas of each question, the earliest on ties."""
    chosen = {}
    for uuid, rows in questions.items():
        texts = [tuple(r[3]) for r in rows]
        chosen[uuid] = [rows[texts.index(max(texts, key=lambda t: (texts.count(t), -texts.index(t))))]]
    return chosen


def bootstrap(methods, questions, way, resamples, seed):
    """Accuracies [method][resample] of Python's random: questions drawn with all their rows."""
    pick = random.Random(seed)
    right = [np.array([sum(r[way] for r in m[q]) for q in questions]) for m in methods]
    rows = [np.array([len(m[q]) for q in questions]) for m in methods]
    rates = np.zeros((len(methods), resamples))
    for r in range(resamples):
        drawn = [pick.randrange(len(questions)) for _ in questions]
        for m in range(len(methods)):
            rates[m, r] = right[m][drawn].sum() / rows[m][drawn].sum()
    return rates


def make(folder, seed, count):
    pick = random.Random(seed)
    words = ['Rivers', 'the river', 'New York', 'York', '', 'Running', 'horses', 'Paris, France', "it's", ' ',
             'caf\u00e9s', 'U.S.', '1914', 'a "quoted" text', "o'clock", 'comma, here', '\u6771\u4eac']
    asked = [(f'q{i}', [pick.choice(words[:4] + words[5:9] + words[10:]) + ('' if i % 3 else ' again')
                        for _ in range(pick.randint(1, 4))]) for i in range(count)]
    files = {}
    for name, skill, part, each in (('origin', .3, 1, 1), ('ensemble_avg-5', .7, 1, 1), ('ensemble_max-5', .72, .9, 1),
                                    ('fused-5', .8, .8, 1), ('per_prompt', .4, 1, 4)):
        rows = []
        for uuid, answers in asked:
            if pick.random() > part:
                continue
            for k in range(each):
                hit = pick.random() < skill
                rows.append({'uuid': uuid, 'answers': answers, 'prediction': pick.choice(answers) if hit else pick.choice(words),
                             'generation': 'x'})
        if each > 1:
            pick.shuffle(rows)
        pd.DataFrame(rows).to_feather(f'{folder}/{name}.feather')
        pd.DataFrame(rows).to_csv(f'{folder}/{name}.csv', index=False)
        files[name.replace('ensemble_', '')] = f'{folder}/{name}.feather'
    return files


def check_study(program, folder, files, way, resamples=400, seed=5):
    key = {1: 'one_way', 2: 'two_way'}
    out = subprocess.run([program, 'analyze', *files.values(), '--format', 'json', '--resamples', str(resamples),
                          '--seed', str(seed), '--match', 'two-way' if way == 2 else 'one-way'],
                         check=True, capture_output=True, text=True).stdout
    study = json.loads(out)
    methods = {name: by_question(read(path)) for name, path in files.items()}
    methods['per_prompt vote'] = vote(methods['per_prompt'])
    equal([m['name'] for m in study['methods']], list(methods), 'the methods')
    for ours in study['methods']:
        questions = methods[ours['name']]
        rows = [r for q in questions.values() for r in q]
        equal((ours['rows'], ours['questions'], ours['empty']),
              (len(rows), len(questions), sum(r[4] for r in rows)), ours['name'])
        for w in (1, 2):
            right = sum(r[w] for r in rows)
            equal(ours[key[w]]['right'], right, f"{ours['name']} right")
            near(ours[key[w]]['accuracy'], right / len(rows), f"{ours['name']} accuracy")
            if ours['interval'] == 'Wilson':
                low, high = proportion_confint(right, len(rows), method='wilson')
            else:
                rates = bootstrap([questions], order(files, methods, [ours['name']]), w, resamples, seed)[0]
                low, high = np.quantile(rates, [.025, .975])
            near(ours[key[w]]['low'], low, f"{ours['name']} low")
            near(ours[key[w]]['high'], high, f"{ours['name']} high")
    cache, p_values, p_ours = {}, [], []
    for ours in study['pairs']:
        a, b = methods[ours['first']], methods[ours['second']]
        common = order(files, methods, [ours['first'], ours['second']])
        name = f"{ours['first']} - {ours['second']}"
        equal(ours['questions'], len(common), name)
        rates = bootstrap([a, b], common, way, resamples, seed)
        share = [sum(r[way] for q in common for r in m[q]) / sum(len(m[q]) for q in common) for m in (a, b)]
        near(ours['difference'], share[0] - share[1], name)
        low, high = np.quantile(rates[0] - rates[1], [.025, .975])
        near(ours['low'], low, name + ' low')
        near(ours['high'], high, name + ' high')
        if 'mcnemar_p' not in ours:
            assert 'per_prompt' in (ours['first'], ours['second'])
            continue
        table = [[0, 0], [0, 0]]
        for q in common:
            table[not a[q][0][way]][not b[q][0][way]] += 1
        equal([ours['both_right'], ours['only_first_right'], ours['only_second_right'], ours['both_wrong']],
              [table[0][0], table[0][1], table[1][0], table[1][1]], name)
        equal(ours['same_prediction'], sum(a[q][0][3] == b[q][0][3] for q in common), name + ' same')
        n = table[0][1] + table[1][0]
        near(ours['mcnemar_p'], binomtest(table[0][1], n).pvalue if n else 1.0, name + ' McNemar')
        near(ours['kappa'], cohens_kappa(np.array(table)).kappa, name + ' kappa')
        p_values.append(ours['mcnemar_p']), p_ours.append(ours['holm_p'])
    for ours, theirs in zip(p_ours, multipletests(p_values, method='holm')[1]):
        near(ours, theirs, 'Holm')
    ours, each = study['paraphrases'][0], methods['per_prompt']
    equal(ours['any_right'], sum(any(r[way] for r in q) for q in each.values()), 'any right')
    equal(ours['all_right'], sum(all(r[way] for r in q) for q in each.values()), 'all right')
    equal(ours['all_equal'], sum(all(r[3] == q[0][3] for r in q) for q in each.values()), 'all equal')
    for k, accuracy in enumerate(ours['accuracy']):
        near(accuracy, sum(q[k][way] for q in each.values()) / len(each), f'paraphrase {k}')


def order(files, methods, names):
    """The questions that all of `names` answer, in the order in which they appear first in any file."""
    first = {}
    for name in files:
        for uuid in methods[name]:
            first.setdefault(uuid, len(first))
    return [q for q in first if all(q in methods[n] for n in names)]


def check_lemmatize(program, folder, files):
    """Columns, types and metadata stay, Feather and CSV get the same lemmas, a second run changes no byte."""
    for path in list(files.values()):
        before = pd.read_feather(path)
        for p in (path, path.replace('.feather', '.csv')):
            subprocess.run([program, 'lemmatize', p], check=True, capture_output=True)
            once = open(p, 'rb').read()
            said = subprocess.run([program, 'lemmatize', p], check=True, capture_output=True, text=True).stderr
            equal(open(p, 'rb').read(), once, 'the second run')
            assert 'nothing changed' in said
        after = pd.read_feather(path)
        equal(list(after.columns), list(before.columns) + ['predict_lemma', 'answer_lemmas'], 'the columns')
        for c in before.columns:
            equal([list(x) if isinstance(x, np.ndarray) else x for x in after[c]],
                  [list(x) if isinstance(x, np.ndarray) else x for x in before[c]], c)
        text = pd.read_csv(path.replace('.feather', '.csv'), keep_default_na=False)
        equal([eval(x) for x in text['predict_lemma']], [list(x) for x in after['predict_lemma']], 'CSV')
        equal([eval(x) for x in text['answer_lemmas']], [[list(y) for y in x] for x in after['answer_lemmas']], 'CSV')


def check_large_mcnemar(program, folder):
    """Discordant pairs in thousands: far beyond the range of a double's powers."""
    for only_a, only_b in ((3000, 3100), (0, 1200), (5, 1500), (4000, 4000)):
        n = only_a + only_b
        for name, right in (('a', range(only_a)), ('b', range(only_a, n))):
            right = set(right)
            pd.DataFrame({'uuid': [str(i) for i in range(n)], 'answers': [['yes']] * n,
                          'prediction': ['yes' if i in right else 'no' for i in range(n)]}).to_feather(f'{folder}/{name}.feather')
        out = subprocess.run([program, 'analyze', f'{folder}/a.feather', f'{folder}/b.feather', '--format', 'json',
                              '--resamples', '100'], check=True, capture_output=True, text=True).stdout
        pair = json.loads(out)['pairs'][0]
        theirs = binomtest(only_a, n).pvalue
        near(pair['mcnemar_p'], theirs, f'McNemar of {only_a}, {only_b}')
        if 0 < theirs < 1:
            near(pair['mcnemar_p'] / theirs, 1.0, f'McNemar of {only_a}, {only_b}, relative')


def check_reading(program, folder):
    """What the original leaves: NumPy's lists in CSV, tuples, its names of files."""
    rows = [{'uuid': f'u{i}', 'answers': np.array(['New York', "it's", 'tea']), 'prediction': p, 'paraphrases': ('a', 'b')}
            for i, p in enumerate(['york', 'TEA', 'coffee', None])]
    pd.DataFrame(rows).to_csv(f'{folder}/ensemble_avg-m5a0s3.csv', index=False)
    pd.DataFrame(rows).to_feather(f'{folder}/baseline_origin.feather')
    out = subprocess.run([program, 'analyze', f'{folder}/ensemble_avg-m5a0s3.csv', f'{folder}/baseline_origin.feather',
                          '--format', 'json'], check=True, capture_output=True, text=True).stdout
    for m, name in zip(json.loads(out)['methods'], ('avg-m5a0s3', 'origin')):
        equal((m['name'], m['rows'], m['empty'], m['two_way']['right'], m['one_way']['right']), (name, 4, 1, 2, 1), name)


def typographic(text):
    """What --fold does, from Unicode's categories and names."""
    out = ''
    for c in unicodedata.normalize('NFD', text):
        name, kind = unicodedata.name(c, ''), unicodedata.category(c)
        if kind in ('Zs', 'Zl', 'Zp'):
            c = ' '
        elif kind == 'Cf' or name.startswith('VARIATION SELECTOR') or c == '\u034f':
            c = ''
        elif 'HYPHEN' in name and 'HYPHENATION' not in name or 'DASH' in name or name in ('MINUS SIGN', 'HORIZONTAL BAR'):
            c = '-'
        elif 'SINGLE' in name and 'QUOTATION' in name or 'COMMA' in name and 'MODIFIER' in name or name == 'PRIME':
            c = "'"
        elif 'DOUBLE' in name and 'QUOTATION' in name or name == 'DOUBLE PRIME':
            c = '"'
        elif name.startswith('FULLWIDTH') and c < '\uff5f':
            c = unicodedata.normalize('NFKC', c)
        out += c if c != ' ' or out[-1:] != ' ' else ''
    return unicodedata.normalize('NFC', out)


def check_unicode(program, folder):
    """A prediction in another normal form is right; one in typographic characters is counted, and right with --fold.
    Written lemmas stay those of the text as it is."""
    pick = random.Random(1)
    blocks = [chr(c) for c in range(0x21, 0x30000) if unicodedata.decomposition(chr(c))[:1] not in ('', '<')]
    odd = [chr(c) for a, b in ((0x2000, 0x2029), (0xff01, 0xff5e), (0xfe00, 0xfe0f)) for c in range(a, b + 1)
           if typographic(chr(c)) != chr(c)] + ['\xa0', '\xad', '\u02bc', '\u202f', '\u205f', '\u2212', '\u3000', '\ufeff']
    rows = []
    for i in range(3000):
        word = ''.join(pick.choice(blocks) if pick.random() < .3 else pick.choice('abcdeio') for _ in range(9))
        answer = f'Xx {word} xx'
        said = unicodedata.normalize(pick.choice(('NFC', 'NFD')), answer)
        if i % 3 == 0:
            at = pick.randrange(3, len(said))
            c = pick.choice(odd)
            answer, said = said[:at] + typographic(c) + said[at:], said[:at] + c + said[at:]
        same = unicodedata.normalize('NFC', answer) == unicodedata.normalize('NFC', said)
        rows.append({'uuid': f'u{i}', 'answers': [answer], 'prediction': said, 'same': same})
        assert same or i % 3 == 0
        equal(typographic(answer), typographic(said), 'the folded texts')
    path = f'{folder}/forms.feather'
    pd.DataFrame(rows).to_feather(path)
    def right(*options):
        out = subprocess.run([program, 'analyze', path, '--format', 'json', '--resamples', '100', *options], check=True,
                             capture_output=True, text=True).stdout
        m = json.loads(out)['methods'][0]
        return m['two_way']['right'], m['right_if_folded']
    plain, more = right()
    assert plain >= sum(r['same'] for r in rows), plain
    equal(plain + more, len(rows), 'right if folded')
    equal(right('--fold'), (len(rows), 0), 'right with --fold')
    subprocess.run([program, 'lemmatize', path], check=True, capture_output=True)
    equal(right(), (plain, more), 'the same with lemmas in the file')
    equal(right('--fold'), (len(rows), 0), 'the same with lemmas in the file, folded')
    for row in pd.read_feather(path).itertuples():
        decomposed = unicodedata.normalize('NFC', row.prediction) != row.prediction
        written = ''.join(row.predict_lemma)
        assert not decomposed or unicodedata.normalize('NFC', written) != written or not written, row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--segfuse', default='build/segfuse')
    program = os.path.abspath(parser.parse_args().segfuse)
    for seed in range(4):
        with tempfile.TemporaryDirectory() as folder:
            files = make(folder, seed, (3, 40, 150, 300)[seed])
            check_lemmatize(program, folder, files)
            for way in (1, 2):
                check_study(program, folder, files, way)
    with tempfile.TemporaryDirectory() as folder:
        check_large_mcnemar(program, folder)
        check_reading(program, folder)
        check_unicode(program, folder)
    print(f'analyze: {CHECKS} numbers equal to pandas, SciPy, statsmodels and Python within 1e-9')


if __name__ == '__main__':
    main()
