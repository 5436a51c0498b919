/* The worker: it owns the WebAssembly module and answers the page's requests, one after the other.

     {kind: "start", program, files: {name: base64}}     -> {kind: "ready", parameters, layers, ...}
     {kind: "ask", id, question}                         -> {kind: "mask" | "fused" | "alone", id, ...}
     {kind: "explain", id, q, k}                         -> {kind: "explained", id, q, k, text}
     {kind: "check", id, questions, ...}                 -> {kind: "checked", id, ...} for each question

   A question is {instruction, examples: [[question, answer]], paraphrases: [{text, weight}], mask (number),
   part (0 aligned to 1 sequential), mass (0: weights 1, 1: 1/N, 2: own, 3: by entropy), switched: [[query, key]]}.
   Every reply has `error`, a sentence, if it failed. The page stops a worker by terminating it. */
"use strict";

let wasm;             // the exports of web.c
let known = {};       // answers of avg and of paraphrases alone, by what they were computed for

function bytesOf(base64) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
}

/* Copies bytes into the module's memory; [pointer, length]. A zero byte follows them. */
function give(bytes) {
    const at = wasm.web_memory(bytes.length + 1);
    if (!at) throw new Error("out of memory; close other pages and try again");
    const memory = new Uint8Array(wasm.memory.buffer);
    memory.set(bytes, at);
    memory[at + bytes.length] = 0;
    return [at, bytes.length];
}
function giveText(text) {
    return give(new TextEncoder().encode(text));
}

/* The JSON text at a pointer. */
function take(at) {
    const memory = new Uint8Array(wasm.memory.buffer);
    const reply = JSON.parse(new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at))));
    if (reply.error) throw new Error(reply.error);
    return reply;
}

function start(message) {
    const none = () => 0;
    const module = new WebAssembly.Module(bytesOf(message.program));
    const instance = new WebAssembly.Instance(module, {
        // libc's, for output that this module never makes
        wasi_snapshot_preview1: {fd_close: none, fd_seek: none, fd_write: none}
    });
    wasm = instance.exports;
    wasm._initialize();
    for (const [name, base64] of Object.entries(message.files))
        wasm.web_file(giveText(name)[0], ...give(bytesOf(base64)));
    return take(wasm.web_load());
}

function setQuestion(question) {
    wasm.web_question(...giveText(question.instruction));
    for (const [q, a] of question.examples) wasm.web_example(...giveText(q), ...giveText(a));
    for (const p of question.paraphrases) wasm.web_paraphrase(...giveText(p.text), p.weight);
    take(wasm.web_fused(question.mask, question.part, question.mass));
    for (const [query, key] of question.switched) wasm.web_switch(query, key);
}

/* The paraphrases alone and avg: only what was not computed before. */
function askAlone({instruction, examples, paraphrases}) {
    const texts = paraphrases.map(p => p.text);
    const keyOf = what => JSON.stringify([instruction, examples, what]);
    const missing = texts.map(text => !(keyOf(text) in known));
    if (!(keyOf(texts) in known)) {
        const {alone, avg} = take(wasm.web_alone(missing.reduce((bits, wanted, i) => bits | (wanted ? 1 << i : 0), 0)));
        if (Object.keys(known).length > 1000) known = {};
        alone.forEach((answer, i) => { if (answer) known[keyOf(texts[i])] = answer; });
        known[keyOf(texts)] = avg;
    }
    return {alone: texts.map(text => known[keyOf(text)]), avg: known[keyOf(texts)]};
}

function ask({id, question}) {
    const begun = performance.now();
    setQuestion(question);
    postMessage({kind: "mask", id, ...take(wasm.web_describe(question.mask))});
    const fused = take(wasm.web_answer());
    postMessage({kind: "fused", id, ...fused, milliseconds: performance.now() - begun});
    const alone = askAlone(question);
    postMessage({kind: "alone", id, ...alone, milliseconds: performance.now() - begun});
}

/* Asks recorded questions by `fused`. */
function check({id, questions}) {
    for (const question of questions) {
        setQuestion(question);
        postMessage({kind: "checked", id, ...take(wasm.web_answer()).fused});
    }
}

onmessage = event => {
    const message = event.data;
    try {
        if (message.kind === "start") postMessage({kind: "ready", ...start(message)});
        if (message.kind === "ask") ask(message);
        if (message.kind === "check") check(message);
        if (message.kind === "explain")
            postMessage({...message, kind: "explained", ...take(wasm.web_explain(message.q, message.k))});
    } catch (error) {
        postMessage({kind: message.kind, id: message.id, error: String(error.message || error)});
    }
};
