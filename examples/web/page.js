/* The page: reads what a person types, picks and clicks, asks the worker, and shows its replies. */
"use strict";

const MOST = {paraphrases: 20, characters: 1000};
const SHOWN_PREFIX = 6; // tokens, unless the whole prefix is wanted
const $ = id => document.getElementById(id);
const dataOf = id => $(id).textContent.trim();
const lines = id => dataOf(id).split("\n").map(line => JSON.parse(line));

/* ---- what is asked ---- */

const questions = lines("questions");
let picked = null;      // the bundled question
let paraphrases = [];   // [{text, weight}]
let switched = [];      // [[query, key]]: segments whose bit differs from the mask's
let switchedFor = "";   // the mask and number of paraphrases that they belong to
let maskNames = [];

/* The prompt that the program makes of "[MASK]", taken apart: {instruction, examples}. */
function promptOf(text) {
    const [instruction, ...rest] = text.split(/^Q: /m);
    const examples = rest.slice(0, -1).map(line => line.trim().split(" A: "));
    return {instruction: instruction.trim(), examples};
}
const [maskedPrompt, plainPrompt] = lines("prompts").map(promptOf);

function oneLine(text) {
    return text.replace(/\s*[\r\n]+\s*/g, " ").trim();
}
function radio(name) {
    return Number(document.querySelector(`input[name=${name}]:checked`).value);
}
function weightOf(slider) {
    return Number((10 ** slider).toPrecision(3));
}
/* The question for the worker, or a sentence that says why there is none. */
function questionOf() {
    const asked = paraphrases.map((p, i) => ({text: oneLine(p.text), weight: weightOf(p.weight), row: i}))
        .filter(p => p.text);
    if (!asked.length)
        return "There is no question. Write one, such as: The capital of Japan is [MASK].";
    if (asked.length > MOST.paraphrases)
        return `This page takes at most ${MOST.paraphrases} paraphrases; these are ${asked.length}. Remove some.`;
    for (const p of asked)
        if (p.text.length > MOST.characters)
            return `Paraphrase ${p.row + 1} has ${p.text.length.toLocaleString("en")} characters; this page takes at most ` +
                `${MOST.characters.toLocaleString("en")}. Shorten it.`;
    const prompt = asked.some(p => p.text.includes("[MASK]")) ? maskedPrompt : plainPrompt;
    const question = {
        instruction: prompt.instruction,
        examples: prompt.examples.slice(0, Math.min(5, Math.max(0, Number($("examples").value) || 0))),
        paraphrases: asked,
        mask: maskNames.indexOf($("mask").value),
        part: Number($("part").value) / 100,
        mass: radio("mass"),
        switched
    };
    const belongs = `${question.mask} ${asked.length}`;
    if (belongs !== switchedFor) question.switched = switched = [];
    switchedFor = belongs;
    return question;
}

/* ---- the worker ---- */

let worker = null;
let serial = 0;         // of the newest question
let busy = false;
let waiting = false;    // a change came while the worker was busy
let sent = null;        // the question that it works on
let delay = 0;
const reply = {};       // the newest of each kind, of one question

function setState(name, text) {
    document.body.dataset.state = name;
    $("state-text").textContent = text;
    if (name !== "busy") $("stop").hidden = true;
}
function setProblem(text) {
    $("problem").hidden = !text;
    if ($("problem").textContent !== text) $("problem").textContent = text;
}
function startWorker() {
    const url = URL.createObjectURL(new Blob([$("worker").textContent], {type: "text/javascript"}));
    worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = event => receive(event.data);
    worker.onerror = event => setProblem(`The worker failed: ${event.message}. Reload the page.`);
    const files = {};
    for (const file of document.querySelectorAll("script.file")) files[file.dataset.name] = file.textContent.trim();
    busy = true;
    worker.postMessage({kind: "start", program: dataOf("program"), files});
}
function stop() {
    worker.terminate();
    waiting = false;
    stopped = true;
    startWorker();
}
let stopped = false;
$("stop").onclick = stop;

/* Ask soon: not at each key. */
function change() {
    clearTimeout(delay);
    document.body.dataset.state = "busy";
    delay = setTimeout(ask, 150);
}
function ask() {
    const question = questionOf();
    if (typeof question === "string") {
        waiting = false;
        setProblem(question);
        if (!busy) setState("problem", "Nothing was asked.");
        return;
    }
    setProblem("");
    waiting = busy;
    if (busy) return;
    busy = true;
    sent = question;
    setState("busy", "Working ...");
    setTimeout(() => { $("stop").hidden = !busy; }, 500);
    worker.postMessage({kind: "ask", id: ++serial, question});
}
function finish(text, name = "idle") {
    busy = false;
    setState($("problem").hidden ? name : "problem", text);
    if (waiting) ask();
}
function receive(message) {
    if (message.error) {
        if (message.kind === "explain") return;
        setProblem(message.error[0].toUpperCase() + message.error.slice(1).replace(/\.?$/, "."));
        return finish("That could not be computed.", "problem");
    }
    reply[message.kind] = message;
    if (message.kind === "ready") {
        $("version").textContent = message.version;
        if (!maskNames.length) fillMasks(message.masks);
        if (stopped) finish("Stopped. The next change asks again.");
        else busy = false, ask();
        stopped = false;
    }
    if (message.kind === "mask") showMask();
    if (message.kind === "fused") showFused(), showAttention();
    if (message.kind === "alone") {
        showAlone();
        finish(`Computed in ${(message.milliseconds / 1000).toFixed(2)} s.`);
    }
    if (message.kind === "explained" && message.q === cell.q && message.k === cell.k)
        $("explanation").textContent = message.text;
    if (message.kind === "checked") showChecked(message);
}

/* ---- small things ---- */

function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
}
function options(select, texts, values = texts) {
    const before = select.value;
    select.replaceChildren(...texts.map((text, i) => element("option", {value: values[i]}, text)));
    if (values.map(String).includes(before)) select.value = before;
}
function percent(p, digits = 0) {
    return (100 * p).toFixed(digits) + "%";
}
/* Paraphrases have colours; everything else is grey. */
function hue(i) {
    return [210, 25, 140, 325, 265, 50, 180, 0][i % 8] + 15 * Math.floor(i / 8);
}
function colour(i) {
    return i < 0 ? "var(--prefix)" : `hsl(${hue(i)} var(--strong) var(--light))`;
}
function visibleText(token) {
    return token.replace(/\n/g, "\u21b5");
}

/* ---- the question ---- */

function pick(question) {
    picked = question;
    const all = [...question.manual_paraphrases, ...question.auto_paraphrases];
    paraphrases = all.slice(0, 5).map(text => ({text, weight: 0}));
    showParaphrases();
    change();
}
/* The wordings of the picked question that are not shown yet. */
function spare() {
    if (!picked) return [];
    const shown = new Set(paraphrases.map(p => p.text));
    return [...picked.manual_paraphrases, ...picked.auto_paraphrases].filter(text => !shown.has(text));
}
function fillQuestions() {
    const of = questions.filter(q => q.rel === $("subject").value);
    options($("question"), of.map(q => q.manual_paraphrases[0]), of.map(q => q.uuid));
    pick(of.find(q => q.uuid === $("question").value));
}
function showParaphrases() {
    $("paraphrases").replaceChildren(...paraphrases.map((p, i) => {
        const text = element("textarea", {rows: 2, "aria-label": `Paraphrase ${i + 1}`, spellcheck: "false"});
        const remove = element("button", {type: "button", "aria-label": `Remove paraphrase ${i + 1}`, title: "Remove"}, "\u00d7");
        text.value = p.text;
        text.oninput = () => { p.text = text.value; change(); };
        text.onpaste = event => paste(event, i);
        remove.onclick = () => {
            paraphrases.splice(i, 1);
            showParaphrases();
            change();
        };
        return element("li", {style: `--own: ${colour(i)}`}, text, remove, element("output"));
    }));
    showWeights();
}
/* Several lines are several paraphrases. */
function paste(event, i) {
    const text = (event.clipboardData || window.clipboardData).getData("text");
    const pasted = text.split(/[\r\n]+/).map(line => line.trim()).filter(line => line);
    if (text.length > MOST.paraphrases * MOST.characters || paraphrases.length - 1 + pasted.length > MOST.paraphrases) {
        event.preventDefault();
        setProblem(`The pasted text has ${pasted.length.toLocaleString("en")} lines and ${text.length.toLocaleString("en")} characters. ` +
            `Each line becomes a paraphrase, and this page takes at most ${MOST.paraphrases} of ` +
            `${MOST.characters.toLocaleString("en")} characters.`);
    } else if (pasted.length > 1) {
        event.preventDefault();
        paraphrases.splice(i, 1, ...pasted.map(line => ({text: line, weight: 0})));
        showParaphrases();
        change();
    }
}
function showWeights() {
    $("weights").hidden = radio("mass") !== 2;
    $("weights").replaceChildren(...paraphrases.map((p, i) => {
        const slider = element("input", {type: "range", min: -2, max: 1, step: 0.05, value: p.weight});
        const shown = element("output", {}, String(weightOf(p.weight)));
        slider.oninput = () => {
            p.weight = Number(slider.value);
            shown.textContent = String(weightOf(p.weight));
            change();
        };
        return element("label", {}, element("span", {}, `Paraphrase ${i + 1}`), slider, shown);
    }));
}
function fillMasks(names) {
    const about = {
        "shared": "paraphrases see the prefix and themselves", "causal": "everything sees what is before it",
        "shared-original": "separators join the paraphrases", "hub": "all see paraphrase 1", "isolated": "no prefix either"
    };
    maskNames = names;
    options($("mask"), Object.entries(about).map(([name, text]) => `${name}: ${text}`), Object.keys(about));
}

/* ---- the answers ---- */

function isRight(answer) {
    return picked && picked.answers.some(a => a.toLowerCase() === answer.toLowerCase());
}
function sayAnswer(where, answer) {
    where.textContent = answer.answer || "(nothing)";
    where.classList.toggle("right", Boolean(picked) && isRight(answer.answer));
    where.classList.toggle("wrong", Boolean(picked) && !isRight(answer.answer));
}
/* The probability of the whole answer: the product of its tokens'. */
function certainty(answer) {
    return answer.steps.reduce((p, step) => p * step[0][1], 1);
}
let plain = ""; // what `fused` said without switches
function showFused() {
    const {fused} = reply.fused;
    sayAnswer($("fused"), fused);
    if (!sent.switched.length) plain = fused.answer;
    $("fused-note").textContent = `probability ${percent(certainty(fused))}` +
        (sent.switched.length ? `; without your switches: ${plain}` : "");
    $("sure").hidden = sent.mass !== 3;
    $("sure").textContent = "Weights exp(-H / 0.5), normalised, H the entropy of the first token alone: " +
        reply.fused.weights.map((w, i) => `${sent.paraphrases[i].row + 1}: ${percent(w)}`).join(", ") + ".";
    $("digest").textContent = fused.digest;
    $("command").textContent = commandOf(sent);
    options($("step"), fused.steps.map((step, i) => `${i + 1}: ${JSON.stringify(step[0][0])}`), fused.steps.map((_, i) => i));
    showSteps();
}
/* The command that computes this answer in a terminal, or a sentence. */
function commandOf(question) {
    const quote = text => `'${text.replace(/'/g, `'\\''`)}'`;
    const texts = question.paraphrases.map(p => quote(p.text)).join(" ");
    const masked = question.instruction === maskedPrompt.instruction, matrix = question.switched.length > 0;
    const named = maskNames[question.mask] === "shared" && !matrix; // another mask would be that of the other methods, too
    let command = `segfuse ask --digest --method ${named ? "per_prompt,avg," : ""}fused --max_new_tokens 10`;
    if (matrix) // the bits themselves, segment by segment
        command = "printf '%s\\n' " + reply.mask.segments.map(s => s.sees).join(" ") + ` > mask.txt\n${command} --mask mask.txt`;
    if (question.part > 0 && question.part < 1)
        return "Positions between the two rules have no name. Move the slider to an end to see a command.";
    if (masked && question.examples.length < 5) command += ` --num_fewshots ${question.examples.length}`;
    if (!named && !matrix) command += ` --mask ${maskNames[question.mask]}`;
    if (question.part === 1) command += " --positions sequential";
    if (question.mass === 0) command += " --mass 1";
    if (question.mass === 3) command += " --mass entropy";
    if (question.mass === 2) command += ` --mass ${question.paraphrases.map(p => p.weight).join(",")}`;
    return `${command} ${texts}`;
}
function showAlone() {
    const {alone, avg} = reply.alone;
    const rows = $("paraphrases").children;
    const votes = new Map();
    for (const row of rows) row.querySelector("output").textContent = "";
    alone.forEach((answer, i) => {
        const row = rows[sent.paraphrases[i].row];
        const said = element("b", {class: !picked ? "" : isRight(answer.answer) ? "right" : "wrong"}, answer.answer || "(nothing)");
        if (row) row.querySelector("output").replaceChildren("alone: ", said, ` ${percent(certainty(answer))}`);
        votes.set(answer.answer, (votes.get(answer.answer) || 0) + 1);
    });
    sayAnswer($("avg"), avg);
    $("votes").textContent = "Alone, " + [...votes].sort((a, b) => b[1] - a[1])
        .map(([answer, n]) => `${n} of ${alone.length} say ${answer || "nothing"}`).join("; ") + "." +
        (picked ? ` The picked question's answer: ${picked.answers[0]}.` : "");
    options($("whose"), ["fused", "avg", ...alone.map((_, i) => `paraphrase ${sent.paraphrases[i].row + 1} alone`)],
        ["fused", "avg", ...alone.keys()]);
    showSteps();
}
function showSteps() {
    const whose = $("whose").value || "fused";
    const answer = whose === "fused" ? reply.fused.fused : whose === "avg" ? reply.alone?.avg : reply.alone?.alone[whose];
    if (!answer) return;
    const list = answer.steps.map((step, i) => element("li", {}, element("span", {class: "note"}, String(i + 1)),
        element("ol", {"aria-label": `step ${i + 1}`}, ...step.map(([token, p]) =>
            element("li", {style: `--p: ${percent(p)}`}, element("code", {}, visibleText(token)), percent(p, 1))))));
    $("steps").replaceChildren(element("ol", {class: "steps"}, ...list));
}
/* The questions whose answers and digests are recorded with the model. */
let checking = [];
$("check").onclick = () => {
    if (busy) return;
    const recorded = lines("recorded");
    const found = recorded.map(r => questions.find(q => q.uuid === r.uuid));
    checking = [];
    busy = true;
    setState("busy", "Asking the recorded questions ...");
    worker.postMessage({
        kind: "check", id: ++serial, questions: found.map(q => ({
            ...maskedPrompt, mask: maskNames.indexOf("shared"), part: 0, mass: 1, switched: [],
            paraphrases: [...q.manual_paraphrases, ...q.auto_paraphrases].slice(0, 5).map(text => ({text, weight: 1}))
        }))
    });
};
function showChecked(message) {
    const recorded = lines("recorded");
    checking.push(message);
    if (checking.length < recorded.length) return;
    const same = checking.filter((c, i) => c.answer === recorded[i].answer && c.digest === recorded[i].logits).length;
    $("checked").textContent = `${same} of ${recorded.length} questions: answer and every logit have the recorded bits.`;
    finish("Compared.");
    change(); // the worker holds another question now
}

/* ---- the mask ---- */

let cell = null;        // {q, k}: tokens
let path = null;        // the leak that is drawn
let shown = [];         // the tokens that have a row and a column
let grid = null;        // {left, top, size} in CSS pixels

function groupOf(segment) {
    const s = reply.mask.segments[segment];
    return s.role === "answer" || s.role === "shared" ? -1 : s.group;
}
function shortName(segment) {
    const s = reply.mask.segments[segment];
    return s.role === "shared" ? "prefix" : s.role === "answer" ? "answer" : s.role === "sep" ? "" : String(s.group + 1);
}
function sees(query, key) {
    return reply.mask.segments[query].sees[key] === "1";
}
function showMask() {
    const {tokens, segments, leaks, leakCount} = reply.mask;
    const prefix = tokens.findIndex(t => segments[t[3]].role !== "shared");
    const from = $("whole").checked ? 0 : Math.max(0, prefix - SHOWN_PREFIX);
    shown = tokens.map((_, i) => i).slice(from);
    if (!cell || cell.q >= tokens.length || cell.k >= tokens.length || cell.k < from)
        cell = {q: tokens.length - 1, k: Math.min(Math.max(prefix, 0), tokens.length - 1)};
    const names = segments.map(s => s.text);
    options($("query"), names, names.map((_, i) => i));
    options($("key"), names, names.map((_, i) => i));
    $("unswitch").hidden = !sent.switched.length;
    path = leaks.length ? leaks[Math.min(leaks.indexOf(path), 0)] || leaks[0] : null;
    $("leaking").textContent = leakText(leakCount);
    $("leaks").replaceChildren(...leaks.map(leak => {
        const button = element("button", {type: "button", "aria-pressed": leak === path}, leak.text);
        button.onclick = () => {
            path = leak;
            for (const b of $("leaks").querySelectorAll("button")) b.setAttribute("aria-pressed", b === button);
            drawMask();
        };
        return element("li", {}, button);
    }));
    const apart = Math.round((1 - sent.part) * 100);
    $("part-text").textContent = sent.part === 0 ? "Every paraphrase starts right after the prefix." :
        sent.part === 1 ? "Every paraphrase starts where the one before it ends." : `${apart}% of the way from sequential to aligned.`;
    select(cell.q, cell.k);
}
function leakText(count) {
    const name = maskNames[sent.mask];
    if (name === "causal") return "The mask causal promises nothing: every paraphrase sees those before it.";
    if (!count) return "Yes: no paraphrase learns of another one against the promise of this mask, in any layer.";
    return `No: information of ${count === 1 ? "one segment" : `${count} pairs of segments`} leaks` +
        (count > reply.mask.leaks.length ? `; the first ${reply.mask.leaks.length}:` : ":");
}
function select(q, k) {
    const {tokens, segments} = reply.mask;
    cell = {q, k};
    const query = tokens[q][3], key = tokens[k][3];
    $("query").value = query;
    $("key").value = key;
    $("switch").textContent = sees(query, key) ? "Hide it" : "Show it";
    $("switch").disabled = key > query;
    $("matrix").setAttribute("aria-label", `The mask as a matrix of ${shown.length} by ${shown.length} tokens. ` +
        `Row ${JSON.stringify(tokens[q][0])} of ${segments[query].text}, column ${JSON.stringify(tokens[k][0])} of ` +
        `${segments[key].text}: ${k <= q && sees(query, key) ? "visible" : "hidden"}.`);
    worker.postMessage({kind: "explain", id: serial, q, k});
    drawMask();
}
function switchPair() {
    const query = Number($("query").value), key = Number($("key").value);
    if (key > query) return;
    const at = switched.findIndex(([q, k]) => q === query && k === key);
    if (at < 0) switched.push([query, key]);
    else switched.splice(at, 1);
    change();
}
function drawMask() {
    const canvas = $("matrix"), n = shown.length;
    const {tokens} = reply.mask;
    const style = getComputedStyle(document.documentElement);
    const value = name => style.getPropertyValue(name).trim();
    const strong = value("--strong"), light = value("--light");
    const fill = segment => groupOf(segment) < 0 ? value("--prefix") : `hsl(${hue(groupOf(segment))} ${strong} ${light})`;
    const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    const margin = width < 480 ? 44 : 52;
    const size = Math.min(22, (width - margin - 4) / n);
    const height = margin + n * size + 4;
    grid = {left: margin, top: margin, size};
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const g = canvas.getContext("2d");
    g.scale(ratio, ratio);
    const at = i => margin + i * size, gap = size >= 5 ? 1 : 0;
    const segmentOf = i => tokens[shown[i]][3];
    /* cells, a run of one segment at a time */
    for (let r = 0; r < n; r++)
        for (let c = 0, end; c <= r; c = end) {
            for (end = c + 1; end <= r && segmentOf(end) === segmentOf(c); end++);
            g.fillStyle = sees(segmentOf(r), segmentOf(c)) ? fill(segmentOf(c)) : value("--hidden");
            g.fillRect(at(c), at(r), (end - c) * size - gap, size - gap);
        }
    if (gap) {
        g.fillStyle = value("--card");
        for (let c = 1; c <= n; c++) g.fillRect(at(c) - 1, at(c - 1), 1, (n - c + 1) * size);
    }
    /* borders and names of the segments */
    g.font = "12px system-ui, sans-serif";
    for (let from = 0, end; from < n; from = end) {
        const s = segmentOf(from);
        for (end = from + 1; end < n && segmentOf(end) === s; end++);
        g.fillStyle = value("--soft");
        if (from) g.fillRect(margin, at(from) - 1, from * size, 1), g.fillRect(at(from) - 1, at(from), 1, (n - from) * size);
        g.fillStyle = value("--ink");
        const middle = at((from + end) / 2), name = shortName(s);
        g.textBaseline = "middle";
        g.textAlign = "right";
        g.fillText(name, margin - 6, middle);
        g.save();
        g.translate(middle, margin - 6);
        g.rotate(-Math.PI / 2);
        g.textAlign = "left";
        g.fillText(name, 0, 0);
        g.restore();
    }
    const place = token => Math.max(0, token - shown[0]);
    /* switched pairs */
    g.strokeStyle = value("--mark");
    g.lineWidth = 2;
    for (const [query, key] of sent.switched) {
        const rows = shown.filter(t => tokens[t][3] === query).map(place), columns = shown.filter(t => tokens[t][3] === key).map(place);
        if (rows.length && columns.length)
            g.strokeRect(at(columns[0]), at(rows[0]), columns.length * size - gap, rows.length * size - gap);
    }
    /* the leak: down from the diagonal to the token that sees, then right to its own column */
    if (path) {
        g.strokeStyle = value("--leak");
        g.lineWidth = 2.5;
        g.beginPath();
        path.path.forEach((token, i) => {
            const x = at(place(token)) + size / 2;
            if (i) g.lineTo(at(place(path.path[i - 1])) + size / 2, x), g.lineTo(x, x);
            else g.moveTo(x, x);
        });
        g.stroke();
        g.fillStyle = value("--leak");
        for (const token of path.path) {
            g.beginPath();
            g.arc(at(place(token)) + size / 2, at(place(token)) + size / 2, 4, 0, 7);
            g.fill();
        }
    }
    /* the selected cell */
    const q = place(cell.q), k = place(cell.k);
    g.strokeStyle = value("--ink");
    g.lineWidth = 1;
    g.globalAlpha = .35;
    g.strokeRect(margin, at(q) - .5, (q + 1) * size, size);
    g.strokeRect(at(k) - .5, at(k), size, (n - k) * size);
    g.globalAlpha = 1;
    g.lineWidth = 2.5;
    g.strokeRect(at(k) - 1.5, at(q) - 1.5, size + 2, size + 2);
}
function cellAt(event) {
    const box = $("matrix").getBoundingClientRect();
    const index = x => Math.min(shown.length - 1, Math.max(0, Math.floor(x / grid.size)));
    return [index(event.clientY - box.top - grid.top), index(event.clientX - box.left - grid.left)].map(i => shown[i]);
}
/* The next token in this direction; with `far` the first of the next segment. */
function moved(token, by, far) {
    const {tokens} = reply.mask, last = tokens.length - 1, limit = t => Math.min(last, Math.max(shown[0], t));
    let t = limit(token + by);
    while (far && t > shown[0] && t < last && tokens[t][3] === tokens[token][3]) t += by;
    return t;
}
$("matrix").onclick = event => { if (reply.mask) select(...cellAt(event)); };
$("matrix").onkeydown = event => {
    const by = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!reply.mask || (!by && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    if (by) select(by[0] ? moved(cell.q, by[0], event.shiftKey) : cell.q, by[1] ? moved(cell.k, by[1], event.shiftKey) : cell.k);
    else switchPair();
};
function selectPair() {
    const {tokens} = reply.mask;
    const first = id => shown.find(t => tokens[t][3] === Number($(id).value)) ?? shown[0];
    select(first("query"), first("key"));
}
$("query").onchange = $("key").onchange = selectPair;
$("switch").onclick = switchPair;
$("unswitch").onclick = () => { switched = []; change(); };
$("whole").onchange = () => { if (reply.mask) showMask(); };

/* ---- attention ---- */

/* The masses of one step by part: prefix, each paraphrase with its separator, answer. */
function partsOf(masses) {
    const {segments} = reply.mask, parts = new Map();
    segments.forEach((s, i) => {
        const group = groupOf(i);
        const name = group >= 0 ? `paraphrase ${group + 1}` : s.role === "answer" ? "answer" : "prefix";
        const part = parts.get(name) || {name, group, mass: 0};
        part.mass += masses[i];
        parts.set(name, part);
    });
    return [...parts.values()];
}
function showAttention() {
    const layers = reply.fused.attention[Number($("step").value) || 0];
    if (!layers) return;
    const mean = layers[0].map((_, s) => layers.reduce((sum, masses) => sum + masses[s], 0) / layers.length);
    const rows = [["mean", mean], ...layers.map((masses, i) => [`layer ${i + 1}`, masses])]
        .map(([name, masses]) => ({name, parts: partsOf(masses)}));
    const own = part => part.name === "answer" ? "var(--soft)" : colour(part.group);
    $("bars").replaceChildren(...rows.map(({name, parts}) => element("div", {class: "bar"}, element("span", {}, name),
        element("div", {role: "img", "aria-label": `${name}: ` + parts.map(p => `${p.name} ${percent(p.mass)}`).join(", ")},
            ...parts.map(p => element("i", {style: `width: ${100 * p.mass}%; background: ${own(p)}`, title: `${p.name}: ${percent(p.mass, 1)}`},
                p.mass > .06 ? percent(p.mass) : ""))))),
    element("p", {class: "legend"}, ...rows[0].parts.map(p => element("span", {style: `--own: ${own(p)}`}, p.name))));
    $("attention").replaceChildren(element("table", {},
        element("caption", {}, "Percent of the softmax, mean of the heads"),
        element("tr", {}, element("th", {scope: "col"}, ""), ...rows[0].parts.map(p => element("th", {scope: "col"}, p.name))),
        ...rows.map(({name, parts}) => element("tr", {}, element("th", {scope: "row"}, name),
            ...parts.map(p => element("td", {}, (100 * p.mass).toFixed(1)))))));
}

/* ---- the beginning ---- */

$("subject").onchange = fillQuestions;
$("question").onchange = () => pick(questions.find(q => q.uuid === $("question").value));
$("add").onclick = () => {
    if (paraphrases.length >= MOST.paraphrases)
        return setProblem(`This page takes at most ${MOST.paraphrases} paraphrases.`);
    paraphrases.push({text: spare()[0] || "", weight: 0});
    showParaphrases();
    change();
};
$("shuffle").onclick = () => {
    const other = spare();
    paraphrases.forEach((p, i) => { p.text = other[i] || p.text; });
    showParaphrases();
    change();
};
for (const input of document.querySelectorAll("input[name=mass]")) input.onchange = () => { showWeights(); change(); };
$("part").oninput = $("examples").oninput = $("mask").onchange = change;
$("step").onchange = showAttention;
$("whose").onchange = showSteps;
window.onresize = () => { if (reply.mask) drawMask(); };
matchMedia("(prefers-color-scheme: dark)").onchange = window.onresize;

const subjects = [...new Set(questions.map(q => q.rel))];
options($("subject"), subjects.map(s => s.replace(/_/g, " ")), subjects);
$("subject").value = "capital";
fillQuestions();
startWorker();
