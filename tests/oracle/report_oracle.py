"""The report of `segfuse analyze` in headless Chromium, driven over its DevTools pipe.

Results with hostile texts are made here; the page must show them as text, ask the network for
nothing, say nothing on the console, fit three widths without sideways scrolling, light and dark,
and its question browser must work. Needs a Chromium and Python's standard library alone.
"""
import argparse, base64, csv, json, os, random, shutil, subprocess, sys, tempfile

HOSTILE = ['</script><script>window.hacked=1</script>', '<img src=x onerror="window.hacked=1">',
           '"><svg onload=window.hacked=1>', "'; window.hacked=1; '", '<!--', ']]>', '&lt;b&gt;',
           '\u2028 line separator', '{{constructor}}', 'a' * 400]
WIDTHS = (390, 800, 1400)


class Browser:
    """One page of one Chromium, spoken to in JSON over file descriptors 3 and 4."""

    def __init__(self, program, profile):
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()

        def wire():
            a, b = os.dup(to_read), os.dup(to_write)
            os.dup2(a, 3), os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
             '--no-first-run', '--remote-debugging-pipe', f'--user-data-dir={profile}', 'about:blank'],
            preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read), os.close(to_write)
        self.buffer, self.id, self.events = b'', 0, []
        target = self.call('Target.createTarget', url='about:blank', session=None)['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True,
                                 session=None)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self.call(domain + '.enable')

    def receive(self):
        while b'\0' not in self.buffer:
            piece = os.read(self.read, 1 << 20)
            if not piece:
                raise RuntimeError('Chromium ended')
            self.buffer += piece
        message, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, session='own', **params):
        self.id += 1
        message = {'id': self.id, 'method': method, 'params': params}
        if session == 'own':
            message['sessionId'] = self.session
        os.write(self.write, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.receive()
            if answer.get('id') == self.id:
                if 'error' in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer['result']
            self.events.append(answer)

    def open(self, url):
        self.events.clear()
        self.call('Page.navigate', url=url)
        while not any(e.get('method') == 'Page.loadEventFired' for e in self.events):
            self.events.append(self.receive())

    def run(self, script):
        result = self.call('Runtime.evaluate', expression=script, returnByValue=True,
                           awaitPromise=True)
        if 'exceptionDetails' in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result['result'].get('value')

    def key(self, key):
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=key, code=key,
                      windowsVirtualKeyCode={'Tab': 9, 'Enter': 13}[key],
                      **({'text': '\r'} if key == 'Enter' and kind == 'keyDown' else {}))

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.read), os.close(self.write)


def make_results(folder, questions):
    """Two methods and a per_prompt with every hostile text in questions, answers and predictions."""
    pick = random.Random(7)
    files = {'origin': [], 'avg-3': [], 'avg-5': [], 'fused-5': [], 'per_prompt': []}
    for i in range(questions):
        text, answer = HOSTILE[i % len(HOSTILE)], f'answer {i}'
        for name, rows in files.items():
            for k in range(3 if name == 'per_prompt' else 1):
                right = pick.random() < 0.6
                rows.append({'uuid': f'q{i}', 'answers': repr([answer, text]),
                             'question': f'{text} number {i}', 'rel': HOSTILE[i % 3],
                             'prediction': answer if right else f'{HOSTILE[(i + k + 3) % len(HOSTILE)]} {i}'})
    for name, rows in files.items():
        with open(f'{folder}/{name}.csv', 'w', newline='') as f:
            out = csv.DictWriter(f, rows[0].keys(), lineterminator='\n')
            out.writeheader()
            out.writerows(rows)


def check(ok, what):
    if not ok:
        sys.exit(f'report_oracle: {what}')


def quiet(browser, url):
    """No console message, no exception, and no request but the page itself."""
    for e in browser.events:
        check(e.get('method') not in ('Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded'),
              f'the console says {json.dumps(e)[:600]}')
        if e.get('method') == 'Network.requestWillBeSent':
            asked = e['params']['request']['url']
            check(asked == url or asked.startswith('data:'), f'a request for {asked}')


def drive(browser, url, pictures, label):
    for width in WIDTHS:
        for scheme in ('light', 'dark'):
            browser.call('Emulation.setDeviceMetricsOverride', width=width, height=900,
                         deviceScaleFactor=1, mobile=width < 500)
            browser.call('Emulation.setEmulatedMedia', media='screen',
                         features=[{'name': 'prefers-color-scheme', 'value': scheme}])
            browser.open(url)
            wide = browser.run('document.documentElement.scrollWidth')
            check(wide <= width, f'{label}: {wide} pixels wide in a window of {width}')
            quiet(browser, url)
            if pictures:
                size = browser.call('Page.getLayoutMetrics')['cssContentSize']
                shot = browser.call('Page.captureScreenshot', captureBeyondViewport=True,
                                    clip={'x': 0, 'y': 0, 'width': width, 'scale': 1,
                                          'height': min(size['height'], 5000)})
                with open(f'{pictures}/{label}-{width}-{scheme}.png', 'wb') as f:
                    f.write(base64.b64decode(shot['data']))
    browser.call('Emulation.setDeviceMetricsOverride', width=800, height=900, deviceScaleFactor=1,
                 mobile=False)


def hits(browser):
    return int(browser.run("document.getElementById('count').textContent.split(' ')[0]"))


def type_filter(browser, text):
    browser.run(f"(()=>{{const f=document.getElementById('filter');f.value={json.dumps(text)};"
                "f.dispatchEvent(new Event('input'))})()")
    browser.run('new Promise(r=>setTimeout(r,300))')


def use(browser, url, questions):
    """The question browser: filter, selections, more, keyboard."""
    browser.open(url)
    check(browser.run('window.hacked') is None, 'a text from a file ran as a script')
    everything = hits(browser)
    check(0 < everything <= questions, f'{everything} questions listed')
    check(browser.run("document.querySelectorAll('#list>li').length") == min(50, everything), 'not 50 at first')
    if everything > 50:
        browser.run("document.getElementById('more').focus()")
        browser.key('Enter')
        check(browser.run("document.querySelectorAll('#list>li').length") == min(100, everything),
              'Enter on "Show more" shows no more')
    check(browser.run("Array.from(document.querySelectorAll('#list')).some(e=>e.textContent.includes("
                      "'</script><script>window.hacked=1'))"), 'the hostile text is not shown as it is')
    type_filter(browser, 'NUMBER 17')
    found = hits(browser)
    wanted = sum('17' in str(i) for i in range(questions))
    check(0 < found <= wanted, f'the filter finds {found} of at most {wanted}')
    check(browser.run("Array.from(document.querySelectorAll('#list>li')).every(e=>e.textContent.includes("
                      "'17'))"), 'the filter shows what does not match')
    type_filter(browser, 'no such text anywhere')
    check(hits(browser) == 0, 'the filter finds what is not there')
    type_filter(browser, '')
    browser.run("(()=>{const w=document.getElementById('wrong');w.value='0';w.dispatchEvent(new Event("
                "'change'));const r=document.getElementById('right');r.value='1';r.dispatchEvent(new "
                "Event('change'))})()")
    check(0 < hits(browser) < everything, 'wrong by one and right by another selects nothing or all')
    check(browser.run("Array.from(document.querySelectorAll('#list>li')).every(e=>e.querySelectorAll('dd')[0]"
                      ".querySelector('.wrong')&&!e.querySelectorAll('dd')[1].querySelector('.wrong'))"),
          'the selections show other questions')
    browser.run("document.activeElement.blur(),window.scrollTo(0,0)")
    reached = set()
    for _ in range(40):
        browser.key('Tab')
        reached.add(browser.run("document.activeElement.id||document.activeElement.tagName"))
    check({'filter', 'wrong', 'right'} <= reached, f'the keyboard reaches only {sorted(reached)}')
    titles = browser.run("Array.from(document.querySelectorAll('svg[role=img]')).every(e=>e.querySelector("
                         "'title')||e.getAttribute('aria-labelledby'))")
    check(titles, 'a chart without a title')
    check(browser.run('window.hacked') is None, 'a text from a file ran as a script')
    quiet(browser, url)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--segfuse', default='build/segfuse')
    parser.add_argument('--pictures', help='folder for screenshots')
    parser.add_argument('--page', help='only take pictures of this report')
    args = parser.parse_args()
    program = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    if not program:
        print('skipped report_oracle: no Chromium is installed')
        return
    if args.pictures:
        os.makedirs(args.pictures, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder + '/profile')
        try:
            if args.page:
                drive(browser, 'file://' + os.path.abspath(args.page), args.pictures, 'page')
                return
            for questions in (200, 5000):
                results = f'{folder}/{questions}'
                os.makedirs(results)
                make_results(results, questions)
                page = f'{results}/report.html'
                subprocess.run([args.segfuse, 'analyze', results, '--report', page, '--samples', '0'], check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                url = 'file://' + page
                drive(browser, url, args.pictures, str(questions))
                use(browser, url, questions)
                print(f'report of {questions} questions: {os.path.getsize(page)} bytes, '
                      f'{len(WIDTHS)} widths, light and dark, filter, keyboard: ok')
        finally:
            browser.close()


if __name__ == '__main__':
    main()
