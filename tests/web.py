#!/usr/bin/env python3
"""Drives build/segfuse.html in a headless Chromium, over its DevTools protocol, and compares what the page says with what the
program prints. Standard library only. Usage: web.py PROGRAM PAGE.html FOLDER (for screenshots and work files)"""
import json, os, re, select, shutil, subprocess, sys, tempfile, time, traceback

CHROMIUM = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
SLOW = 300  # seconds that anything may take on a busy machine


class Browser:
    """One page. The protocol runs over two pipes: JSON messages that end with a zero byte."""

    def __init__(self, program, profile):
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()

        def pipes():  # the browser reads from 3 and writes to 4
            one, other = os.dup(to_read), os.dup(from_write)
            os.dup2(one, 3)
            os.dup2(other, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
             "--user-data-dir=" + profile, "--window-size=1200,900", "about:blank"],
            close_fds=False, preexec_fn=pipes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.to, self.source, self.rest, self.serial, self.session = to_write, from_read, b"", 0, None
        self.complaints, self.requests = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def receive(self, until):
        while b"\0" not in self.rest:
            ready = select.select([self.source], [], [], max(0, until - time.time()))[0]
            more = os.read(self.source, 1 << 20) if ready else b""
            if not more:
                raise RuntimeError("the browser says nothing")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(message)
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:600])
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(params["args"])[:600])
        if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"][:100])
        return message

    def call(self, method, **params):
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.time() + SLOW
        while True:
            reply = self.receive(until)
            if reply.get("id") == self.serial:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]

    def js(self, expression):
        reply = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in reply:
            raise RuntimeError(f"{expression[:200]}: {json.dumps(reply['exceptionDetails'])[:600]}")
        return reply["result"].get("value")

    def wait(self, expression, what):
        until = time.time() + SLOW
        while not self.js(expression):
            if time.time() > until:
                raise RuntimeError(f"never: {what}")
            time.sleep(0.05)

    def close(self):
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            self.process.terminate()
        self.process.wait()


failures, passed = [], 0


def check(condition, what):
    global passed
    if condition:
        passed += 1
    else:
        failures.append(what)
        print("FAILED  web:", what)


def same(got, wanted, what):
    check(got == wanted, f"{what}: {got!r}, not {wanted!r}")


class Page:
    """What a person does, and what she reads."""

    def __init__(self, browser, url):
        self.browser, self.js = browser, browser.js
        browser.call("Page.navigate", url=url)
        self.done()

    def done(self, state="idle"):
        self.browser.wait(f"document.body && document.body.dataset.state === '{state}'", f"the page is {state}")

    def text(self, name):
        return self.js(f"document.getElementById('{name}').textContent")

    def choose(self, name, value):
        self.js(f"(e => {{ e.value = {json.dumps(value)}; e.dispatchEvent(new Event('change', {{bubbles: true}})); }})"
                f"(document.getElementById('{name}'))")

    def click(self, selector):
        """With the mouse, at the middle of the element."""
        x, y = self.js(f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
                       f"return [b.x + b.width / 2, b.y + b.height / 2]; }})(document.querySelector({json.dumps(selector)}))")
        self.click_at(x, y)

    def click_at(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def key(self, key, shift=False):
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=8 if shift else 0)

    def write(self, i, text):
        """Replaces paraphrase i by what is typed."""
        self.js(f"(e => {{ e.focus(); e.select(); }})(document.querySelectorAll('#paraphrases textarea')[{i}])")
        if text:
            self.browser.call("Input.insertText", text=text)
        else:
            self.browser.call("Input.dispatchKeyEvent", type="keyDown", key="Delete", code="Delete", windowsVirtualKeyCode=46)

    def paste(self, i, expression):
        self.js(f"(e => {{ const d = new DataTransfer(); d.setData('text', {expression}); e.dispatchEvent(new ClipboardEvent("
                f"'paste', {{clipboardData: d, cancelable: true, bubbles: true}})); }})"
                f"(document.querySelectorAll('#paraphrases textarea')[{i}])")

    def paraphrases(self):
        return self.js("[...document.querySelectorAll('#paraphrases textarea')].map(e => e.value)")

    def answers(self):
        """[(answer, digest)]: alone, avg, fused; as `ask --digest --quiet` prints them."""
        return [tuple(a) for a in self.js(
            "[...reply.alone.alone, reply.alone.avg, reply.fused.fused].map(a => [a.answer, a.digest])")]


def program_answers(program, texts, *options):
    printed = subprocess.run([program, "ask", "--quiet", "--digest", "--method", "per_prompt,avg,fused", "--max_new_tokens",
                              "10", *options, *texts], capture_output=True, text=True)
    if printed.returncode:
        raise RuntimeError(printed.stderr)
    return [tuple(line.split("\t")) for line in printed.stdout.splitlines()]


def run_command(page, program, work):
    """What the command that the page shows prints in a terminal."""
    command = page.text("command").replace("segfuse ask", program + " ask --quiet")
    command = command.replace("mask.txt", os.path.join(work, "mask.txt"))
    printed = subprocess.run(command, shell=True, capture_output=True, text=True)
    check(printed.returncode == 0, f"{command}: {printed.stderr}")
    return [tuple(line.split("\t")) for line in printed.stdout.splitlines()]


def explained(program, work, layout, q, k):
    """What mask --explain says of two tokens of a layout file."""
    printed = subprocess.run([program, "mask", "--layout", layout, "--explain", f"{q},{k}", "--model", "models/segfuse-2m"],
                             capture_output=True, text=True)
    return " ".join((printed.stdout + printed.stderr).split())


def test_questions(page, program):
    """Twenty questions: the same answers and digests as the program's, for each paraphrase, avg and fused."""
    asked = page.js("questions.filter((q, i) => i % 32 === 7).map(q => [q.rel, q.uuid])")
    slowest = 0
    for rel, uuid in asked[:20]:
        if page.js("picked.rel") != rel:
            page.choose("subject", rel)
        page.choose("question", uuid)
        page.done()
        slowest = max(slowest, page.js("reply.alone.milliseconds"))
        texts = page.paraphrases()
        same(page.answers(), program_answers(program, texts), f"question {uuid}")
        said = page.text("fused")
        same(said, page.answers()[-1][0] or "(nothing)", "the answer that is shown")
    same(len(asked[:20]), 20, "twenty questions")
    print(f"        20 questions; the slowest took {slowest / 1000:.2f} s")


def test_typing(page, program, work):
    """A typed question, emoji, quotes; options; the command that the page shows prints the page's digests."""
    page.choose("subject", "capital")
    page.done()
    page.write(0, "The capital of Japan is [MASK].")
    page.done()
    same(page.answers()[0][0], "Tokyo", "the typed question")
    page.write(1, "\U0001f5fe Japan's \"capital\" \u2014 [MASK] <b>\U0001f1ef\U0001f1f5</b>")
    page.done()
    for choice, options in (("shared", []), ("hub", ["--mask", "hub"]), ("causal", ["--mask", "causal"]),
                            ("isolated", ["--mask", "isolated"]), ("shared-original", ["--mask", "shared-original"])):
        page.choose("mask", choice)
        page.done()
        same(page.answers()[-1], program_answers(program, page.paraphrases(), *options)[-1], f"mask {choice}")
        same(run_command(page, program, work)[-1], page.answers()[-1], f"the command of mask {choice}")
    page.choose("mask", "shared")
    page.done()
    page.js("(e => { e.value = 100; e.dispatchEvent(new Event('input')); })(document.getElementById('part'))")
    page.click("input[name=mass][value='0']")
    page.done()
    same(page.answers(), program_answers(program, page.paraphrases(), "--positions", "sequential", "--mass", "1"),
         "sequential, mass 1")
    page.click("input[name=mass][value='2']")
    page.done()
    page.js("document.querySelectorAll('#weights input').forEach((e, i) => { e.value = i / 4 - 1; e.dispatchEvent(new Event('input')); })")
    page.done()
    same(run_command(page, program, work), page.answers(), "the command that is shown")
    page.js("(e => { e.value = 0; e.dispatchEvent(new Event('input')); })(document.getElementById('part'))")
    page.click("input[name=mass][value='3']")
    page.done()
    same(run_command(page, program, work), page.answers(), "weights by entropy")
    check("%" in page.text("sure") and abs(page.js("reply.fused.weights.reduce((a, b) => a + b)") - 1) < 1e-9, "weights by entropy sum to 1")
    page.click("input[name=mass][value='1']")
    page.done()
    page.write(0, "Who wrote Hamlet?")
    for i in range(1, len(page.paraphrases())):
        page.write(i, "")
    page.done()
    same(page.answers(), [(a, d) for a, d in program_answers(program, ["Who wrote Hamlet?"])], "a question without [MASK]")


def test_mask(page, program, work):
    """Cells by mouse and keys say what mask --explain says; a switched pair leaks, changes the logits, and back."""
    page.choose("subject", "currency")
    page.done()
    texts = page.paraphrases()
    layout = os.path.join(work, "layout.json")
    subprocess.run([program, "ask", "--quiet", "--method", "fused", "--dump_layout", layout, *texts], check=True, capture_output=True)
    before = page.answers()[-1]

    def click_cell(q, k):
        x, y = page.js(f"(b => [b.x + grid.left + (shown.indexOf({k}) + .5) * grid.size, "
                       f"b.y + grid.top + (shown.indexOf({q}) + .5) * grid.size])"
                       "((document.getElementById('matrix').scrollIntoView({block: 'center'}), "
                       "document.getElementById('matrix').getBoundingClientRect()))")
        page.click_at(x, y)

    first = page.js("[1, 3].map(s => reply.mask.tokens.findIndex(t => t[3] === s))")
    for q, k in ((first[1], first[0]), (first[0], first[1]), (first[1] + 2, first[1]), (page.js("reply.mask.tokens.length - 1"), first[0])):
        click_cell(q, k)
        page.browser.wait(f"reply.explained && reply.explained.q === {q} && reply.explained.k === {k} && "
                          "document.getElementById('explanation').textContent === reply.explained.text", f"cell {q},{k} is explained")
        # the program says "manual paraphrase 1", since its wordings are a person's
        wanted = explained(program, work, layout, q, k).replace("manual paraphrase", "paraphrase")
        same(" ".join(page.text("explanation").split()), wanted, f"why {q} sees {k}")
    click_cell(first[1], first[0])
    page.js("document.getElementById('matrix').focus()")
    page.key("ArrowDown")
    page.key("ArrowRight")
    same(page.js("[cell.q, cell.k]"), [first[1] + 1, first[0] + 1], "arrow keys")
    page.key("ArrowUp")
    page.key("ArrowLeft")
    check(page.text("leaking").startswith("Yes"), "shared does not leak")
    page.key("Enter")
    page.browser.wait("sent.switched.length === 1 && document.body.dataset.state === 'idle'", "Enter switches the pair")
    check("paraphrase 1 -> paraphrase 2" in page.text("leaks"), "the leak is named: " + page.text("leaks"))
    check(page.js("path !== null && path.path.length === 2"), "the leak is drawn")
    check(page.answers()[-1][1] != before[1], "a switched pair changes the logits")
    page.js("document.querySelector('#digest').closest('details').open = true")
    printed = run_command(page, program, work)
    same(printed, page.answers()[-1:], "the command of the switched mask")
    page.click("#unswitch")
    page.done()
    same(page.answers()[-1], before, "the switch is undone")
    page.choose("mask", "shared-original")
    page.done()
    check("separator" in page.text("leaks"), "shared-original leaks through separators")
    page.choose("mask", "shared")
    page.done()


def test_attention(page):
    sums = page.js("reply.fused.attention.flat().map(m => m.reduce((a, b) => a + b, 0))")
    check(sums and all(abs(s - 1) < 1e-6 for s in sums), "attention sums to 1 in every step and layer")
    same(page.js("document.querySelectorAll('#bars .bar').length"), 5, "a bar for each layer and the mean")


def test_wrong_input(page):
    """A sentence, and the page still answers."""
    page.choose("subject", "capital")
    page.done()
    page.js("while (paraphrases.length > 1) document.querySelector('#paraphrases button').click()")
    page.done()
    page.write(0, "")
    page.done("problem")
    check(page.text("problem").startswith("There is no question."), "an empty question: " + page.text("problem"))
    page.write(0, "x" * 3000)
    page.done("problem")
    check("3,000 characters" in page.text("problem"), "3,000 characters: " + page.text("problem"))
    page.write(0, "The capital of Chile is [MASK].")
    page.done()
    check(page.js("document.getElementById('problem').hidden"), "the sentence is gone again")
    page.paste(0, "'The capital of Chile is [MASK].\\n'.repeat(200)")
    check("200 lines" in page.text("problem"), "200 paraphrases: " + page.text("problem"))
    begun = time.time()
    page.paste(0, "'It was the best of times, it was the worst of times, \\n'.repeat(20000)")
    check("20,000 lines" in page.text("problem") and time.time() - begun < 5, "a novel: " + page.text("problem"))
    page.paste(0, "'The capital of Chile is [MASK].\\nChile has the capital [MASK].\\n'")
    page.done()
    same(len(page.paraphrases()), 2, "two lines are two paraphrases")
    page.write(1, "\U0001f9d1\u200d\U0001f680" * 40 + "\u0000\u202e")
    page.done()
    for i in range(18):
        page.click("#add")
    page.done()
    same(len(page.paraphrases()), 20, "twenty paraphrases")
    page.click("#add")
    check("at most 20" in page.text("problem"), "no more: " + page.text("problem"))
    page.js("document.querySelectorAll('#paraphrases textarea').forEach((e, i) => { e.value = ('word' + i + ' ').repeat(100); "
            "e.dispatchEvent(new Event('input')); })")
    page.done("problem")
    check("at most 1000" in page.text("problem"), "more tokens than the page computes: " + page.text("problem"))
    page.js("document.querySelectorAll('#paraphrases textarea').forEach((e, i) => { e.value = ('word' + i + ' ').repeat(14); "
            "e.dispatchEvent(new Event('input')); })")
    page.browser.wait("!document.getElementById('stop').hidden", "long work can be stopped")
    page.click("#stop")
    page.done()
    check(page.text("state-text").startswith("Stopped"), "stopped: " + page.text("state-text"))
    page.choose("subject", "river_continent")
    page.done()
    check(page.text("state-text").startswith("Computed"), "it works again after a stop")


def test_recorded(page):
    page.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.click("#check")
    page.browser.wait("document.getElementById('checked').textContent !== ''", "the recorded questions are compared")
    check(page.text("checked").startswith("8 of 8"), "recorded digests: " + page.text("checked"))
    page.done()


def test_looks(page, work):
    """Three widths, light and dark: nothing is wider than the window, names for the screen reader; pictures to look at."""
    import base64
    page.choose("subject", "capital")
    page.done()
    page.js("document.querySelectorAll('details').forEach(d => d.open = false); scrollTo(0, 0)")
    for width in (360, 800, 1600):
        for scheme in ("light", "dark"):
            page.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            page.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            time.sleep(0.3)
            wide = page.js(f"document.documentElement.scrollWidth - {width}")
            check(wide <= 0, f"{wide} pixels too wide at {width}")
            picture = page.browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
            with open(os.path.join(work, f"page-{width}-{scheme}.png"), "wb") as file:
                file.write(base64.b64decode(picture))
    page.browser.call("Emulation.clearDeviceMetricsOverride")
    nameless = page.js("[...document.querySelectorAll('button, select, input, textarea, canvas')].filter(e => !(e.labels && e.labels.length) "
                       "&& !e.getAttribute('aria-label') && !e.textContent.trim()).map(e => e.outerHTML.slice(0, 80))")
    same(nameless, [], "controls without a name")


def main():
    program, html, work = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
    os.makedirs(work, exist_ok=True)
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not chromium:
        print("skipped web: chromium is not installed; sudo apt-get install chromium")
        return 0
    only = sys.argv[4:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(chromium, profile)
        try:
            page = Page(browser, "file://" + html)
            for name, test in (("questions", lambda: test_questions(page, program)), ("typing", lambda: test_typing(page, program, work)),
                               ("mask", lambda: test_mask(page, program, work)), ("attention", lambda: test_attention(page)),
                               ("wrong input", lambda: test_wrong_input(page)), ("recorded", lambda: test_recorded(page)),
                               ("looks", lambda: test_looks(page, work))):
                if only and name not in only:
                    continue
                try:
                    test()
                except RuntimeError as error:
                    at = next(f for f in reversed(traceback.extract_tb(error.__traceback__)) if f.name.startswith("test_"))
                    check(False, f"{name}, line {at.lineno}: {error}")
            same(browser.complaints, [], "the console")
            foreign = [r for r in browser.requests if not re.match("file:|data:|blob:", r)]
            same(foreign, [], "requests")
        finally:
            browser.close()
    print(f"{'FAILED' if failures else 'ok     '} web: {passed} checks, {len(failures)} failed; pictures in {work}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
