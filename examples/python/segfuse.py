"""segfuse from Python: masks of segments, and the reference transformer that runs them. Needs NumPy only.

    import segfuse
    layout = segfuse.Layout.of("shared:5,para:4,sep:1,para:3,answer:1", mask="shared")
    layout.dense()                          # [T, T] of bool: row q sees column k
    layout.explain(10, 5)                   # why token 10 may not see token 5
    segfuse.verify(mask_mod, layout)        # a mask of yours, for FlexAttention, against this one

    model = segfuse.Model("models/segfuse-2m")
    model.ask("fused", ["The capital of Japan is [MASK].", "Jpaan's capital is [MASK]."])
    model.logits(model.layout("fused", paraphrases))    # [T, V] of float32

The shared library (`make lib`) is taken from $SEGFUSE_LIBRARY, from the folder of this file, from build/ of the
repository, or from where the system finds libraries.

Errors. What the library refuses is a segfuse.Error with the library's sentence; a wrong argument, a malformed input
and an exceeded limit are also ValueErrors, the others also MemoryError, OSError or NotImplementedError. What this module
refuses itself (wrong shapes and types, a closed model) is a ValueError.

Threads. A Layout does not change and may be used by any number of threads. Calls of one Model wait for each other; a
program that wants to compute at the same time loads the folder twice (the weights are mapped, so they are in memory
once).
"""
import ctypes
import ctypes.util
import operator
import os
import re
import sys
import threading
from collections import namedtuple
from ctypes import addressof, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

try:
    import numpy as np
except ImportError as missing:
    raise ImportError("segfuse.py needs NumPy, which is not installed for this Python: pip install numpy") from missing

__all__ = ["Layout", "Model", "Difference", "Error", "Leak", "METHODS", "MASKS", "ROLES", "verify"]
__version__ = "0.1.0"  # SGF_VERSION of the header that the structs below are those of

# ---- the interface of segfuse.h: tests/oracle/python_oracle.py compares it with a C compiler ----


class _Struct(ctypes.Structure):
    """Allocated with zeros behind it, so that a library whose struct has grown reads and writes no foreign memory."""

    @classmethod
    def new(cls, **fields):
        room = (c_char * (ctypes.sizeof(cls) + 512))()
        struct = cls.from_buffer(room)
        for name, value in fields.items():
            setattr(struct, name, value)
        return struct


# Written by tests/python_structs.py --write
_MAX_SEGMENTS = 1024
_LEAK_PATH = 32
_MAX_LAYERS = 1024
_MAX_EOS = 16
_DECODE_SKIP_SPECIAL = 1
_ENUMS = {
    "positions": ("sequential", "aligned"),
    "fusion_start": ("first-answer", "after-first"),
    "bos": ("auto", "first", "each", "none"),
    "combine": ("avg", "max", "weighted-avg", "weighted-max", "avg-p", "entropy-avg", "hidden"),
    "prediction": ("first-line", "first-word"),
    "format": ("standard", "concatenated", "shared-parts", "shared-cue", "few-shot-parts"),
    "lines": ("own", "one", "two"),
    "contexts": ("single", "fusion", "ensemble"),
    "kernels": ("auto", "naive", "portable", "avx2", "avx512", "amx"),
    "arithmetic": ("f32", "bf16"),
    "device": ("cpu", "cuda", "auto"),
    "dtype": ("f32", "f16", "bf16"),
    "rope": ("default", "linear", "dynamic", "llama3", "yarn"),
}


class sgf_error(_Struct):
    _fields_ = [("status", c_int), ("offset", c_int64), ("file", c_char * 256), ("message", c_char * 1024)]


class sgf_allocator(_Struct):
    _fields_ = [("alloc", c_void_p), ("free", c_void_p), ("user", c_void_p)]


class sgf_str(_Struct):
    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]


class sgf_segment(_Struct):
    _fields_ = [("role", c_int), ("group", c_int32), ("log_weight", c_float), ("tokens", c_size_t)]


class sgf_layout(_Struct):
    _fields_ = [("tokens", c_size_t), ("token", c_void_p), ("pos", c_void_p), ("seg", c_void_p), ("segments", c_size_t),
                ("segment", c_void_p), ("visible", c_void_p), ("answer", c_int32), ("answer_pos", c_int32),
                ("mixture", c_int), ("token_cap", c_size_t), ("segment_cap", c_size_t), ("mem", sgf_allocator)]


class sgf_leak(_Struct):
    _fields_ = [("from", c_int32), ("to", c_int32), ("hops", c_size_t), ("tokens", c_size_t),
                ("path", c_int32 * _LEAK_PATH)]


class sgf_tensor(_Struct):
    _fields_ = [("data", c_void_p), ("rows", c_size_t), ("cols", c_size_t), ("dtype", c_int)]


class sgf_config(_Struct):
    _fields_ = [("architecture", c_char * 32), ("vocab_size", c_int32), ("dim", c_int32), ("layers", c_int32),
                ("heads", c_int32), ("kv_heads", c_int32), ("head_dim", c_int32), ("ffn_dim", c_int32),
                ("context", c_int32), ("sliding_window", c_int32), ("sliding_layers", c_uint32 * (_MAX_LAYERS // 32)),
                ("rms_eps", c_float), ("qkv_bias", c_int), ("out_bias", c_int), ("mlp_bias", c_int), ("norms", c_int),
                ("qk_norm", c_int), ("norm_plus_one", c_int), ("fused", c_int), ("gelu", c_int), ("tied", c_int),
                ("embedding_scale", c_double), ("residual_scale", c_double), ("score_scale", c_double),
                ("logit_divisor", c_double), ("no_rope_layers", c_uint32 * (_MAX_LAYERS // 32)), ("rope", c_int),
                ("rope_theta", c_double), ("rope_local_theta", c_double), ("rope_factor", c_double),
                ("rope_low", c_double), ("rope_high", c_double), ("rope_original_context", c_double),
                ("rope_beta_fast", c_double), ("rope_beta_slow", c_double), ("rope_attention_factor", c_double),
                ("rope_mscale", c_double), ("rope_mscale_all", c_double), ("rope_truncate", c_int), ("bos", c_int32),
                ("eos", c_int32 * _MAX_EOS), ("eos_count", c_int32), ("dtype", c_int)]


class sgf_model(_Struct):
    _fields_ = [("config", sgf_config), ("embedding", sgf_tensor), ("norm", sgf_tensor), ("output", sgf_tensor),
                ("layer", c_void_p), ("tokenizer", c_void_p), ("identity", c_char * 17), ("storage", c_void_p)]


class sgf_session_options(_Struct):
    _fields_ = [("threads", c_int), ("kernels", c_int), ("device", c_int), ("arithmetic", c_int), ("exact", c_int),
                ("no_prefix_reuse", c_int), ("reuse_rotated", c_int), ("mem", c_void_p)]


class sgf_row(_Struct):
    _fields_ = [("token", c_int32), ("pos", c_int32), ("seg", c_int32), ("sequence", c_int32), ("want", c_int32)]


class sgf_example(_Struct):
    _fields_ = [("question", sgf_str), ("answer", sgf_str), ("paraphrase", c_void_p), ("paraphrases", c_size_t)]


class sgf_prompt(_Struct):
    _fields_ = [("instruction", sgf_str), ("example", c_void_p), ("examples", c_size_t), ("paraphrase", c_void_p),
                ("paraphrases", c_size_t), ("manual", c_char_p), ("weight", c_void_p), ("before", c_char_p),
                ("after", c_char_p)]


class sgf_decoding(_Struct):
    _fields_ = [("trust_mass", c_double), ("agreement", c_int), ("select", c_size_t), ("alone", c_double),
                ("tau", c_double), ("beams", c_size_t), ("length_penalty", c_double), ("from_layer", c_int32)]


class sgf_method(_Struct):
    _fields_ = [("name", c_char_p), ("about", c_char_p), ("contexts", c_int), ("format", c_int), ("lines", c_int),
                ("separator", c_char_p), ("mask", c_int), ("positions", c_int), ("fusion_start", c_int), ("bos", c_int),
                ("combine", c_int), ("prediction", c_int), ("even_weights", c_int), ("mixture", c_int),
                ("decoding", sgf_decoding)]


class sgf_task(_Struct):
    _fields_ = [("context", c_void_p), ("contexts", c_size_t), ("combine", c_int), ("weight", c_void_p),
                ("segment", c_void_p), ("ids", c_void_p), ("max_new_tokens", c_size_t), ("decoding", sgf_decoding),
                ("trust", c_void_p), ("count", c_size_t), ("prefill_tokens", c_size_t), ("decode_tokens", c_size_t)]


# ---- end of what is written

_STEP = ctypes.CFUNCTYPE(c_int, c_void_p, c_size_t, c_size_t, ctypes.POINTER(c_float), ctypes.POINTER(c_int32))
_WATCH = ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_int32, ctypes.POINTER(c_double), c_size_t)

_PROTOTYPES = """
const char *sgf_version(void);
const char *sgf_status_text(sgf_status status);
const char *sgf_role_name(sgf_role role);
void sgf_layout_init(sgf_layout *layout, const sgf_allocator *mem);
void sgf_layout_free(sgf_layout *layout);
sgf_status sgf_layout_segment(sgf_layout *layout, sgf_role role, int32_t group, int32_t *segment, sgf_error *err);
sgf_status sgf_layout_add(sgf_layout *layout, int32_t segment, const int32_t *ids, size_t n, sgf_error *err);
int sgf_visible(const sgf_layout *layout, int32_t query, int32_t key);
void sgf_visible_set(sgf_layout *layout, int32_t query, int32_t key, int visible);
void sgf_layout_place(sgf_layout *layout, sgf_positions positions);
sgf_status sgf_layout_weigh(sgf_layout *layout, const double *weights, size_t n, sgf_error *err);
const char *sgf_mask_name(sgf_mask mask);
sgf_status sgf_mask_find(const char *name, sgf_mask *mask, sgf_error *err);
void sgf_mask_set(sgf_layout *layout, sgf_mask mask);
void sgf_mask_dense(const sgf_layout *layout, uint8_t *out);
char *sgf_segment_text(const sgf_layout *layout, int32_t segment, char *out, size_t cap);
sgf_status sgf_mask_explain(const sgf_layout *layout, const sgf_tokenizer *tokenizer, size_t q, size_t k, char *out,
    size_t cap, sgf_error *err);
size_t sgf_mask_compare(const sgf_layout *layout, const uint8_t *dense, size_t *q, size_t *k);
sgf_status sgf_mask_leaks(const sgf_layout *layout, const uint8_t *dense, sgf_mask promise, size_t layers, sgf_leak
    *leaks, size_t cap, size_t *count, sgf_error *err);
char *sgf_leak_text(const sgf_layout *layout, const sgf_leak *leak, char *out, size_t cap);
sgf_status sgf_model_load(const char *dir, const sgf_allocator *mem, sgf_model **out, sgf_error *err);
void sgf_model_free(sgf_model *model);
sgf_status sgf_session_create(const sgf_model *model, const sgf_session_options *options, sgf_session **out, sgf_error
    *err);
void sgf_session_free(sgf_session *session);
sgf_status sgf_sequence_open(sgf_session *session, const sgf_layout *rule, int32_t parent, int32_t *sequence,
    sgf_error *err);
void sgf_sequence_close(sgf_session *session, int32_t sequence);
sgf_status sgf_forward(sgf_session *session, const sgf_row *rows, size_t n, float *logits, float *hidden, sgf_error
    *err);
sgf_status sgf_forward_layout(sgf_session *session, const sgf_layout *layout, float *logits, float *hidden, int32_t
    *sequence, sgf_error *err);
sgf_status sgf_reference_forward(const sgf_model *model, sgf_arithmetic arithmetic, const sgf_layout *layout, float
    *hidden, float *logits, sgf_error *err);
void sgf_session_watch(sgf_session *session, sgf_watch_function *see, void *user);
sgf_str sgf_prediction_take(sgf_prediction prediction, sgf_str generation);
sgf_status sgf_method_find(const char *name, sgf_method *method, sgf_error *err);
const char *sgf_method_name(size_t i);
sgf_status sgf_prompt_layout(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt, const sgf_method *method,
    size_t which, sgf_layout *layout, sgf_error *err);
sgf_status sgf_generate(sgf_session *session, sgf_task *tasks, size_t n, sgf_step_function *on_step, void *user,
    sgf_error *err);
sgf_status sgf_encode(const sgf_tokenizer *tokenizer, sgf_str text, int special, int32_t *ids, size_t cap, size_t
    *count, sgf_error *err);
sgf_status sgf_decode(const sgf_tokenizer *tokenizer, const int32_t *ids, size_t count, int flags, char *out, size_t
    cap, size_t *len, sgf_error *err);

"""


# ---- the library ----

def _declare(library):
    """The prototypes above as ctypes wants them: a pointer is an address."""
    scalars = {"int": c_int, "int32_t": c_int32, "size_t": c_size_t, "double": c_double, "sgf_str": sgf_str, "void": None}

    def of(text, result=False):
        text = text.replace("const ", "").strip()
        if "*" in text:
            return c_char_p if text.startswith("char") and result else c_void_p
        return scalars.get(text.split()[0], c_int)  # an enumeration is an int

    for result, name, arguments in re.findall(r"^(\w.*?)\b(sgf_\w+)\(([^)]*)\);$", _PROTOTYPES, re.M):
        function = getattr(library, name)
        function.restype = of(result, True)
        function.argtypes = [] if arguments == "void" else [of(a) for a in arguments.split(",")]


def _load():
    name = "segfuse.dll" if sys.platform == "win32" else "libsegfuse.so"
    here = os.path.dirname(os.path.abspath(__file__))
    wanted = os.environ.get("SEGFUSE_LIBRARY")
    paths = [wanted] if wanted else [os.path.join(here, *up, name) for up in ((), ("..",), ("..", "..", "build"))]
    path = next((p for p in paths if os.path.isfile(p)), None if wanted else ctypes.util.find_library("segfuse"))
    if not path:
        raise ImportError(f"$SEGFUSE_LIBRARY is {wanted}, and there is no such file" if wanted else
                          f"there is no {name} (looked at {', '.join(paths)} and where the system looks): run `make lib` in "
                          "the repository of segfuse, or name the file in $SEGFUSE_LIBRARY")
    try:
        library = ctypes.CDLL(path)
        _declare(library)
    except (OSError, AttributeError) as problem:
        raise ImportError(f"{path} cannot be used as the library of segfuse: {problem}") from problem
    version = library.sgf_version().decode()
    if version != __version__:
        raise ImportError(f"{path} is version {version} of segfuse, this segfuse.py is of {__version__}; take both from one "
                          "release")
    # The library writes whole structs; where it stops writing, its struct ends.
    for struct, write in ((sgf_method, lambda at: library.sgf_method_find(b"fused", at, None)),
                          (sgf_layout, lambda at: library.sgf_layout_init(at, None))):
        room = (c_char * (ctypes.sizeof(struct) + 512)).from_buffer(bytearray(b"\xa5" * (ctypes.sizeof(struct) + 512)))
        write(addressof(room))
        if len(room.raw.rstrip(b"\xa5")) not in range(ctypes.sizeof(struct) - 7, ctypes.sizeof(struct) + 1):
            raise ImportError(f"{path} has another {struct.__name__} than this segfuse.py; take both from one release")
    return library


_lib = _load()


def _names(function):
    names = []
    while len(names) < 64:
        name = function(len(names))
        if name in (None, b"unknown"):
            break
        names.append(name.decode())
    return tuple(names)


ROLES, MASKS, METHODS = _names(_lib.sgf_role_name), _names(_lib.sgf_mask_name), _names(_lib.sgf_method_name)


class Error(Exception):
    """What the library refuses. str() is its sentence; `status` is its short name ("wrong argument"), `file` and
    `offset` say where (None if that does not apply)."""
    status, file, offset = "", None, None


_ERRORS = [type(name, (Error, base), {"__doc__": "An Error that is a " + base.__name__ + ", too."}) for name, base in (
    ("ArgumentError", ValueError), ("OutOfMemory", MemoryError), ("FileError", OSError), ("FormatError", ValueError),
    ("Unsupported", NotImplementedError), ("LimitError", ValueError))]


def _call(function, *arguments):
    err = sgf_error.new()
    status = function(*arguments, addressof(err))
    if status:
        error = (_ERRORS[status - 1] if status <= len(_ERRORS) else Error)(err.message.decode("utf-8", "replace"))
        error.status = _lib.sgf_status_text(status).decode()
        error.file = err.file.decode("utf-8", "replace") or None
        error.offset = err.offset if err.offset >= 0 else None
        raise error


def _shape(array):
    return f"{array.dtype} {list(array.shape)}"


def _ints(values, what, low=-2**31, high=2**31 - 1):
    """A list of whole numbers as [n] of int32, a copy."""
    array = np.asarray(values)
    if array.size == 0 and array.ndim == 1:
        array = array.astype(np.int32)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{what} must be a list of whole numbers; this is {_shape(array)}")
    if array.size and (array.min() < low or array.max() > high):
        bad = int(np.flatnonzero((array < low) | (array > high))[0])
        raise ValueError(f"{what}[{bad}] is {array[bad]}; it must be from {low} to {high}")
    return np.ascontiguousarray(array, np.int32).copy()


def _count(value, what, most=2**31 - 1, least=0):
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not least <= number <= most:
        raise ValueError(f"{what} must be a whole number from {least} to {most}; this is {value!r}")
    return number


def _items(values, what):
    """A list, which a single text is not."""
    try:
        if not isinstance(values, str):
            return list(values)
    except TypeError:
        pass
    raise ValueError(f"{what} must be a list; this is {type(values).__name__}")


def _bytes(text, what):
    if not isinstance(text, str):
        raise ValueError(f"{what} must be a text; this is {type(text).__name__}")
    return text.encode()


def _choice(what, name):
    names = MASKS if what == "mask" else _ENUMS[what]
    if name not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}; this is {name!r}")
    return names.index(name)


def _text(function, *arguments):
    room = ctypes.create_string_buffer(4096)
    function(*arguments, room, len(room))
    return room.value.decode("utf-8", "replace")


def _visibility(visible, S):
    array = np.asarray(visible)
    if array.shape != (S, S) or array.dtype.kind not in "biu" or not np.isin(array, (0, 1)).all():
        raise ValueError(f"visible must be [{S}, {S}] of bool, a row and a column for each segment; this is {_shape(array)}")
    return array.astype(bool)


def _mask(array, T):
    """A dense mask as people have it: [T, T] or [1, 1, T, T] of bool, 0/1, or floats that are added to scores."""
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        array = (array.float() if array.is_floating_point() else array).numpy()
    array = np.asarray(array)
    if array.shape not in ((T, T), (1, T, T), (1, 1, T, T)):
        raise ValueError(f"a mask of this layout is [{T}, {T}]; this is {_shape(array)}")
    if array.dtype.kind == "b" or array.dtype.kind in "iu" and np.isin(array, (0, 1)).all():
        seen = array.astype(np.uint8)
    elif array.dtype.kind == "f" and ((array == 0) | (array <= -10000)).all():
        seen = (array == 0).astype(np.uint8)
    else:
        raise ValueError("a mask is bool, 0 and 1 as integers, or floats that are added to scores (0 visible, -inf or at "
                         f"most -10000 hidden); this is {_shape(array)} with other values")
    return np.ascontiguousarray(seen.reshape(T, T))


# ---- layouts ----

Difference = namedtuple("Difference", "count q k text")
Difference.__doc__ = "How a mask differs from a layout's: the number of entries, the first one, why it is wrong."
Leak = namedtuple("Leak", "source target hops path text")
Leak.__doc__ = "Information that moves from segment `source` to `target` in `hops` layers, by the tokens of `path`."


class Layout:
    """T tokens in S segments, and which segment may see which. It does not change after it is made."""

    def __init__(self):
        self._c = sgf_layout.new()
        self._at = addressof(self._c)
        self.model = None  # identity of the model whose tokenizer gave the ids, None if they are the caller's
        _lib.sgf_layout_init(self._at, None)

    def __del__(self):
        if getattr(self, "_at", None) and _lib:
            _lib.sgf_layout_free(self._at)

    @classmethod
    def of(cls, parts, mask=None, *, visible=None, positions="sequential", weights=None):
        """A layout from its parts, one after the other.

        parts      "shared:5,para:4,answer:1", or a list of (role, tokens): a number of tokens, or their ids. Roles are
                   those of ROLES and `cue`, another name of `answer`. Parts of the answer are one segment.
        mask       one of MASKS ("isolated" if nothing is said), or
        visible    [S, S] of bool instead: row q is the segment that looks
        positions  "sequential", "aligned", or T numbers from 0
        weights    None: 1 for each paraphrase; "1/N"; or a number above 0 for each paraphrase
        """
        if isinstance(parts, str):
            pairs = [item.strip().rpartition(":")[::2] for item in parts.split(",")]
            if not all(role and re.fullmatch("[0-9]{1,9}", count) for role, count in pairs):
                raise ValueError(f"{parts!r} is not a list of ROLE:TOKENS, such as shared:5,para:4,answer:1")
            parts = [(role, int(count)) for role, count in pairs]
        self = cls()
        paraphrases = examples = 0
        for part in _items(parts, "parts"):
            if not isinstance(part, (tuple, list)) or len(part) != 2:
                raise ValueError(f"a part is (role, tokens); this is {part!r}")
            role, tokens = part
            role = "answer" if role == "cue" else role
            if role not in ROLES:
                raise ValueError(f"the roles are {', '.join(ROLES)} and cue; this is {role!r}")
            if isinstance(tokens, (int, np.integer)):
                tokens = np.zeros(_count(tokens, f"the tokens of {role}", 1000000), np.int32)
            group = -1
            if role in ("para", "manual", "auto"):
                group, paraphrases = paraphrases, paraphrases + 1
            elif role == "sep":
                group = paraphrases - 1
            elif role in ("example_q", "example_a"):
                group, examples = examples, examples + (role == "example_a")
            segment = self._c.answer
            if role != "answer" or segment < 0:
                segment = self._segment(role, group)
            self._add(segment, _ints(tokens, f"the tokens of {role}", 0))
        if mask is not None and visible is not None:
            raise ValueError("a layout has a mask by name or a matrix `visible`, not both")
        return self._finish(mask or "isolated", visible, positions, weights)

    @classmethod
    def from_segments(cls, segments, visible, *, tokens=None, positions="sequential", roles=None, groups=None,
                      log_weights=None, answer=None, mixture=False):
        """A layout from the segment of each token, [T], and the matrix `visible`, [S, S]. tokens are ids, [T], 0 if they
        do not matter; roles and groups, [S], are those of segfuse.h (all `shared`, in no group); answer is the number of
        the segment to which generated tokens belong, or None; mixture: answer tokens attend by a softmax per paraphrase.
        These are the keys of the program's layout files."""
        matrix = np.asarray(visible)
        S = len(matrix) if matrix.ndim == 2 else -1
        matrix = _visibility(visible, S)
        segments = _ints(segments, "segments", 0, S - 1)
        tokens = np.zeros(len(segments), np.int32) if tokens is None else _ints(tokens, "tokens", 0)
        roles = ["shared"] * S if roles is None else _items(roles, "roles")
        groups = _ints([-1] * S if groups is None else groups, "groups")
        logs = np.zeros(S) if log_weights is None else np.asarray(log_weights)
        if len(tokens) != len(segments) or len(roles) != S or len(groups) != S or logs.shape != (S,):
            raise ValueError(f"{len(segments)} tokens in {S} segments need as many ids, roles, groups and weights; there are "
                             f"{len(tokens)} ids, {len(roles)} roles, {len(groups)} groups, weights {list(logs.shape)}")
        if logs.dtype.kind not in "iuf" or not (np.abs(logs) <= 700).all():
            raise ValueError("log_weights must be numbers from -700 to 700")
        if not (answer is None or answer in range(S)):
            raise ValueError(f"answer must be None or a segment below {S}; this is {answer!r}")
        self = cls()
        for s, (role, group) in enumerate(zip(roles, groups)):
            if role not in ROLES:
                raise ValueError(f"the roles are {', '.join(ROLES)}; this is {role!r}")
            self._segment(role, int(group))
            self._all()[s].log_weight = logs[s]
        for run in np.split(np.arange(len(tokens)), np.flatnonzero(np.diff(segments)) + 1):
            if len(run):
                self._add(int(segments[run[0]]), tokens[run[0]:run[-1] + 1])
        self._c.answer, self._c.mixture = -1 if answer is None else answer, int(bool(mixture))
        return self._finish(None, matrix, positions, None)

    def _segment(self, role, group):
        segment = c_int32()
        _call(_lib.sgf_layout_segment, self._at, ROLES.index(role), group, addressof(segment))
        return segment.value

    def _add(self, segment, ids):
        _call(_lib.sgf_layout_add, self._at, segment, ids.ctypes.data, len(ids))

    def _finish(self, mask, visible, positions, weights):
        if visible is not None:
            self._see(_visibility(visible, self._c.segments))
        else:
            _lib.sgf_mask_set(self._at, _choice("mask", mask))
        if isinstance(positions, str):
            _lib.sgf_layout_place(self._at, _choice("positions", positions))
        else:
            own = _ints(positions, "positions", 0, 2**31 - 2)
            if len(own) != len(self):
                raise ValueError(f"{len(self)} tokens need as many positions; there are {len(own)}")
            self._view("pos")[:] = own
            self._c.answer_pos = int(own.max()) + 1 if len(own) else 0
        if weights is not None:
            self._weigh(weights)
        return self

    def _weigh(self, weights):
        if isinstance(weights, str):
            if weights != "1/N":
                raise ValueError(f'weights are "1/N" or a number for each paraphrase; this is {weights!r}')
            return _call(_lib.sgf_layout_weigh, self._at, None, 0)
        numbers = np.asarray(weights)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iuf":
            raise ValueError(f"weights are a number for each paraphrase; this is {_shape(numbers)}")
        numbers = np.ascontiguousarray(numbers, np.float64)
        _call(_lib.sgf_layout_weigh, self._at, numbers.ctypes.data, len(numbers))

    def _see(self, matrix):
        for q, k in np.ndindex(matrix.shape):
            _lib.sgf_visible_set(self._at, q, k, int(matrix[q, k]))

    def _view(self, name):
        if not len(self):
            return np.zeros(0, np.int32)
        return np.frombuffer((c_int32 * len(self)).from_address(getattr(self._c, name)), np.int32)

    def _all(self):
        return list((sgf_segment * self._c.segments).from_address(self._c.segment)) if self._c.segments else []

    def _copy(self):
        return type(self).from_segments(
            self.segments, self.visible, tokens=self.tokens, positions=self.positions, roles=self.roles, groups=self.groups,
            log_weights=self.log_weights, answer=self.answer)._as(self)

    def _as(self, other):
        for name, kind in sgf_layout._fields_:
            if kind in (c_int, c_int32):
                setattr(self._c, name, getattr(other._c, name))
        self.model = other.model
        return self

    def __len__(self):
        return self._c.tokens

    def __repr__(self):
        return f"<segfuse.Layout: {len(self)} tokens in {self._c.segments} segments: " + ", ".join(
            self.segment_text(s) for s in range(min(self._c.segments, 6))) + (", ...>" if self._c.segments > 6 else ">")

    # What the layout holds, as copies.
    tokens = property(lambda self: self._view("token").copy(), doc="[T] ids")
    positions = property(lambda self: self._view("pos").copy(), doc="[T] RoPE positions")
    segments = property(lambda self: self._view("seg").copy(), doc="[T] the segment of each token")
    roles = property(lambda self: [ROLES[s.role] for s in self._all()], doc="[S] names")
    groups = property(lambda self: [s.group for s in self._all()], doc="[S] paraphrases or examples, -1: none")
    log_weights = property(lambda self: np.array([s.log_weight for s in self._all()], np.float32),
                           doc="[S] added to the scores that answer tokens give to the segment's keys")
    answer = property(lambda self: None if self._c.answer < 0 else self._c.answer,
                      doc="the segment of generated tokens, or None")

    mixture = property(lambda self: bool(self._c.mixture), doc="do answer tokens attend by a softmax per paraphrase?")

    @property
    def visible(self):
        """[S, S] of bool: segment of row q may see segment of column k"""
        S = self._c.segments
        return np.array([[_lib.sgf_visible(self._at, q, k) for k in range(S)] for q in range(S)], bool).reshape(S, S)

    def as_dict(self):
        """What the program's layout files hold: json.dump it for `segfuse forward --layout`."""
        return {"tokens": self.tokens.tolist(), "segments": self.segments.tolist(), "positions": self.positions.tolist(),
                "visible": self.visible.astype(int).tolist(), "roles": self.roles, "groups": self.groups,
                "log_mass": self.log_weights.tolist(), "answer": self.answer, **({"fusion": "mixture"} if self.mixture else {})}

    def segment_text(self, segment):
        """A segment in words: "paraphrase 1"."""
        if not 0 <= _count(segment, "segment") < self._c.segments:
            raise ValueError(f"there are {self._c.segments} segments; this is {segment}")
        return _text(_lib.sgf_segment_text, self._at, segment)

    def with_tokens(self, ids):
        """The same layout of other ids, [T]."""
        ids = _ints(ids, "tokens", 0)
        if len(ids) != len(self):
            raise ValueError(f"{len(self)} tokens need as many ids; there are {len(ids)}")
        new = self._copy()
        new._view("token")[:] = ids
        new.model = None
        return new

    def with_visible(self, visible):
        """The same layout with another matrix, [S, S]."""
        matrix, new = _visibility(visible, self._c.segments), self._copy()
        new._see(matrix)
        return new

    def with_mask(self, mask):
        """The same layout with another mask, by name."""
        number, new = _choice("mask", mask), self._copy()
        _lib.sgf_mask_set(new._at, number)
        return new

    def dense(self):
        """[T, T] of bool: token q (row) may see token k (column); causality included."""
        T = len(self)
        if T > 65535:
            raise ValueError(f"a dense mask of {T} tokens; 65535 at most")
        out = np.zeros((T, T), np.uint8)
        _lib.sgf_mask_dense(self._at, out.ctypes.data)
        return out.astype(bool)

    def explain(self, q, k, model=None):
        """Why token q may see token k, or why not, in one sentence; a model adds the tokens' texts."""
        def ask(tokenizer=None):
            room = ctypes.create_string_buffer(4096)
            _call(_lib.sgf_mask_explain, self._at, tokenizer, _count(q, "q"), _count(k, "k"), room, len(room))
            return room.value.decode("utf-8", "replace")
        if model is None:
            return ask()
        model._fits(self)
        with model._locked() as c:
            return ask(c.tokenizer)

    def leaks(self, promise="shared", layers=0, dense=None):
        """Where information moves between segments against what mask `promise` promises, in at most `layers` layers (0:
        any number), as a list of Leak. dense is a mask of your own, [T, T], instead of the layout's."""
        promise, layers = _choice("mask", promise), _count(layers, "layers")
        mask = None if dense is None else _mask(dense, len(self))
        count, room = c_size_t(), (sgf_leak * 0)()
        for _ in range(2):  # how many there are, then the leaks
            _call(_lib.sgf_mask_leaks, self._at, None if mask is None else mask.ctypes.data, promise, layers,
                  addressof(room) if len(room) else None, len(room), addressof(count))
            if count.value <= len(room):
                break
            room = (sgf_leak * count.value)()
        return [Leak(getattr(leak, "from"), leak.to, leak.hops, list(leak.path[:leak.tokens]),
                     _text(_lib.sgf_leak_text, self._at, addressof(leak))) for leak in room]

    def compare(self, mask):
        """None if this dense mask is the layout's; otherwise a Difference. mask: [T, T] or [1, 1, T, T] of bool, of 0 and 1,
        or of floats that are added to scores; an array or a torch tensor."""
        mask = _mask(mask, len(self))
        q, k = c_size_t(), c_size_t()
        count = _lib.sgf_mask_compare(self._at, mask.ctypes.data, addressof(q), addressof(k))
        return Difference(count, q.value, k.value, self.explain(q.value, k.value)) if count else None

    def mask_mod(self, device="cpu"):
        """The layout's mask as a mask_mod for FlexAttention (needs torch)."""
        torch, _ = _flex()
        seg = torch.from_numpy(self.segments.astype(np.int64)).to(device)
        visible = torch.from_numpy(self.visible).to(device)
        return lambda b, h, q, k: (q >= k) & visible[seg[q], seg[k]]

    def block_mask(self, device="cpu", **options):
        """FlexAttention's BlockMask of this layout (needs torch); options are those of create_block_mask."""
        _, flex = _flex()
        return flex.create_block_mask(self.mask_mod(device), None, None, len(self), len(self), device=device, **options)


def _flex():
    try:
        import torch
        from torch.nn.attention import flex_attention
    except ImportError as missing:
        raise ImportError("a mask_mod needs torch with FlexAttention (2.5 or newer), which is not installed for this "
                          "Python: pip install torch") from missing
    return torch, flex_attention


def verify(mask, layout, device="cpu"):
    """Is this the layout's mask? AssertionError with the first differing entry and the rule that decides it if not. `mask`
    is a mask_mod for FlexAttention (which needs torch), or a dense mask as Layout.compare takes it."""
    if not isinstance(layout, Layout):
        raise ValueError(f"verify compares with a segfuse.Layout; this is {type(layout).__name__}")
    if callable(mask):
        _, flex = _flex()
        mask = flex.create_mask(mask, None, None, len(layout), len(layout), device=device)
    found = layout.compare(mask)
    if found:
        has = "sees" if "does not see" in found.text else "does not see"
        raise AssertionError(f"the mask differs in {found.count} of {len(layout) ** 2} entries, first at row {found.q}, column "
                             f"{found.k}, where it {has}: {found.text}")


# ---- models ----

class _Strings:
    """Texts as C structs, with what they point to."""

    def __init__(self):
        self.kept = []

    def text(self, text, what):
        room = ctypes.create_string_buffer(_bytes(text, what))
        self.kept.append(room)
        return sgf_str(addressof(room), len(room) - 1)

    def list(self, texts, what):
        texts = _items(texts, what + "s")
        array = (sgf_str * len(texts))(*[self.text(text, f"{what} {i}") for i, text in enumerate(texts)])
        return self.array(array), len(texts)

    def array(self, array):
        self.kept.append(array)
        return addressof(array) if len(array) else None

    def prompt(self, paraphrases, instruction, examples, weights=None, manual=None, before="", after=""):
        of, n = self.list(paraphrases, "paraphrase")
        if not n:
            raise ValueError("a question needs at least one paraphrase")
        shots = []
        for example in _items(examples, "examples"):
            if not isinstance(example, (tuple, list)) or len(example) not in (2, 3):
                raise ValueError(f"an example is (question, answer) or (question, answer, [paraphrases]); this is {example!r}")
            more, count = self.list(example[2] if len(example) == 3 else (), "an example's paraphrase")
            asked, answer = self.text(example[0], "an example's question"), self.text(example[1], "an example's answer")
            shots.append(sgf_example(asked, answer, more, count))
        prompt = sgf_prompt.new(instruction=self.text(instruction, "the instruction"), examples=len(shots),
                                example=self.array((sgf_example * len(shots))(*shots)), paraphrase=of, paraphrases=n)
        for name, text in (("before", before), ("after", after)):
            if b"\0" in _bytes(text, name):
                raise ValueError(f"{name} cannot hold a zero byte")
            setattr(prompt, name, self.text(text, name).ptr if text else None)
        given = (("weight", weights, c_double, "weights"), ("manual", manual, ctypes.c_ubyte, "manual"))
        for name, values, kind, what in given:
            if values is None:
                continue
            numbers = np.asarray(values)
            if numbers.shape != (n,) or numbers.dtype.kind not in "biuf" or not np.isfinite(numbers).all():
                raise ValueError(f"{what}: {n} numbers are needed, one for each paraphrase; this is {_shape(numbers)}")
            numbers = numbers.astype(np.float64) if kind is c_double else numbers != 0
            setattr(prompt, name, self.array((kind * n)(*numbers.tolist())))
        self.kept.append(prompt)
        return prompt


INSTRUCTION = "Based on the context, predict the [MASK] in the sentence in one word."


class Model:
    """A Hugging Face folder of an architecture that the library knows. `with Model(...) as model:` closes it at the end."""

    def __init__(self, folder, *, threads=0, kernels="auto", arithmetic="f32", device="cpu", exact=True):
        """threads 0: one for each processor; kernels and threads change no bit of the results, the arithmetic (f32 or bf16)
        does. A GPU needs a library that was built with it; exact gives the processor's bits there, too."""
        self._options = sgf_session_options.new(threads=_count(threads, "threads", 256), kernels=_choice("kernels", kernels),
                                                arithmetic=_choice("arithmetic", arithmetic),
                                                device=_choice("device", device), exact=int(bool(exact)))
        self._lock, self._owner, self._session, self._pid, self._c = threading.Lock(), None, None, 0, None
        out = c_void_p()
        _call(_lib.sgf_model_load, os.fspath(folder).encode() if isinstance(folder, (str, os.PathLike)) else
              _bytes(folder, "folder"), None, addressof(out))
        self._c = sgf_model.from_address(out.value)
        config = self._c.config
        self.config = {name: getattr(config, name) for name, _ in config._fields_ if not name.endswith("_layers")}
        self.config.update(architecture=config.architecture.decode(), eos=list(config.eos[:config.eos_count]),
                           rope=_ENUMS["rope"][config.rope], dtype=_ENUMS["dtype"][config.dtype])
        self.identity = self._c.identity.decode()
        self.vocab_size, self.dim, self.layers = config.vocab_size, config.dim, config.layers

    def __repr__(self):
        return f"<segfuse.Model {self.identity}: {self.config['architecture']}, {self.layers} layers, {self.vocab_size} ids>"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_c", None) is not None and _lib:
            self.close()

    def close(self):
        """Free the model, when the calls of other threads are done. Every later call is a ValueError."""
        if self._owner == threading.get_ident():
            raise ValueError("on_step cannot close the model that calls it")
        with self._lock:
            if self._session and self._pid == os.getpid():
                _lib.sgf_session_free(self._session)
            if self._c is not None:
                _lib.sgf_model_free(addressof(self._c))
            self._session = self._c = None

    def _locked(self):
        return _Locked(self)

    def _run(self):
        """The session, made when it is needed; called with the lock. A fork has none of its parent's threads."""
        if self._session is None or self._pid != os.getpid():
            out = c_void_p()
            _call(_lib.sgf_session_create, addressof(self._c), addressof(self._options), addressof(out))
            self._session, self._pid = out.value, os.getpid()
        return self._session

    def _fits(self, layout):
        if not isinstance(layout, Layout):
            raise ValueError(f"this is not a segfuse.Layout but {type(layout).__name__}")
        if layout.model not in (None, self.identity):
            raise ValueError(f"this layout has the ids of model {layout.model}'s tokenizer; this is model {self.identity}")

    def encode(self, text, special=False):
        """The ids of a text, [n] of int32. special: with what the tokenizer puts around a text, such as BOS."""
        strings, count = _Strings(), c_size_t()
        text = strings.text(text, "text")
        with self._locked() as c:
            self._tokenizer(c)
            _call(_lib.sgf_encode, c.tokenizer, text, int(bool(special)), None, 0, addressof(count))
            ids = np.zeros(count.value, np.int32)
            _call(_lib.sgf_encode, c.tokenizer, text, int(bool(special)), ids.ctypes.data, len(ids), addressof(count))
        return ids

    def decode(self, ids, skip_special=False):
        """The text of ids."""
        ids = _ints(ids, "ids")
        with self._locked() as c:
            self._tokenizer(c)
            return self._decoded(c, ids, skip_special)

    def _decoded(self, c, ids, skip_special):
        length, flags = c_size_t(), _DECODE_SKIP_SPECIAL if skip_special else 0
        _call(_lib.sgf_decode, c.tokenizer, ids.ctypes.data, len(ids), flags, None, 0, addressof(length))
        room = ctypes.create_string_buffer(length.value + 1)
        _call(_lib.sgf_decode, c.tokenizer, ids.ctypes.data, len(ids), flags, room, length.value, addressof(length))
        return room.raw[:length.value].decode("utf-8", "replace")

    @staticmethod
    def _tokenizer(c):
        if not c.tokenizer:
            raise ValueError("this model's folder has no tokenizer.json: it takes ids, not texts")

    def logits(self, layout, *, reference=False):
        """[T, V] of float32: the logits of every token. reference: by the reference transformer, in plain loops: the same
        bits, slowly."""
        return self._forward(layout, reference)[0]

    def hidden(self, layout, *, reference=False):
        """[T, D] of float32: the last hidden states, after the final norm."""
        return self._forward(layout, reference, False)[1]

    def _forward(self, layout, reference, logits=True):
        self._fits(layout)
        T = len(layout)
        out = np.zeros((T, self.vocab_size), np.float32) if logits else None
        states = None if logits else np.zeros((T, self.dim), np.float32)
        at = [None if a is None else a.ctypes.data for a in (out, states)]
        with self._locked() as c:
            if reference:
                _call(_lib.sgf_reference_forward, addressof(c), self._options.arithmetic, layout._at, at[1], at[0])
            else:
                _call(_lib.sgf_forward_layout, self._run(), layout._at, at[0], at[1], None)
        return out, states

    def attention(self, layout, token=-1):
        """[L, S] of float64: the share of the softmax of one token (the last one) that falls on each segment, layer by
        layer, the mean over the heads. A row sums to 1, or is 0 if the token sees nothing."""
        self._fits(layout)
        T, S = len(layout), layout._c.segments
        if not T:
            raise ValueError("this layout has no tokens")
        token = _count(token, "token", T - 1, -T) % T
        mass, logits = np.zeros((self.layers, S)), np.zeros(self.vocab_size, np.float32)

        def see(_, row, layer, values, segments):
            mass[layer, :segments] = values[:segments]

        watch, sequence = _WATCH(see), c_int32(-1)
        rows = (sgf_row * (token + 1))(*[sgf_row(int(i), int(p), int(s), 0, int(t == token)) for t, (i, p, s) in enumerate(
            zip(layout.tokens[:token + 1], layout.positions, layout.segments))])
        with self._locked():
            session = self._run()
            _call(_lib.sgf_sequence_open, session, layout._at, -1, addressof(sequence))
            try:
                for row in rows:
                    row.sequence = sequence.value
                _lib.sgf_session_watch(session, watch, None)
                _call(_lib.sgf_forward, session, rows, len(rows), logits.ctypes.data, None)
            finally:
                _lib.sgf_session_watch(session, None, None)
                _lib.sgf_sequence_close(session, sequence)
        return mass

    @staticmethod
    def _method(name, options):
        method = sgf_method.new()
        _call(_lib.sgf_method_find, _bytes(name, "method"), addressof(method))
        method.decoding.length_penalty = 1
        for key, value in options.items():
            if key in ("mask", "positions", "fusion_start", "bos", "combine", "prediction", "lines"):
                setattr(method, key, _choice(key, value))
            elif key == "separator":
                if b"\0" in _bytes(value, key):
                    raise ValueError("a separator cannot hold a zero byte")
                method.separator = value.encode()
            elif key in ("select", "beams", "from_layer"):
                setattr(method.decoding, key, _count(value, key))
            elif key in ("trust_mass", "alone", "tau", "length_penalty"):
                if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
                    raise ValueError(f"{key} must be a number; this is {value!r}")
                setattr(method.decoding, key, value)
            elif key in ("even_weights", "mixture"):
                setattr(method, key, int(bool(value)))
            elif key == "agreement":
                method.decoding.agreement = int(bool(value))
            else:
                raise ValueError(f"{key} is no option of a method; they are mask, positions, fusion_start, bos, combine, "
                                 "prediction, lines, separator, even_weights, mixture, trust_mass, agreement, select, "
                                 "alone, tau, beams, length_penalty, from_layer")
        return method

    def layout(self, method, paraphrases, *, which=0, instruction=INSTRUCTION, examples=(), weights=None, manual=None,
               before="", after="", **options):
        """The prompt of a method as a layout: of all paraphrases in a fusion, else of paraphrase `which`.

        method     one of METHODS
        examples   few-shot examples, (question, answer) or (question, answer, [paraphrases])
        weights    a number for each paraphrase
        manual     for the mask manual-cross: for each paraphrase, was it written by a person?
        before,    what a chat format writes before the instruction, and after the user's text up to the assistant's
        after
        options    what to change of the method: mask, positions, fusion_start, bos, combine, prediction, lines (own, one,
                   two: how question and answer are written), separator, even_weights, mixture; of sgf_decoding in
                   segfuse.h: trust_mass, agreement, select, alone, tau, beams, length_penalty (1), from_layer
        """
        method, strings = self._method(method, options), _Strings()
        prompt = strings.prompt(paraphrases, instruction, examples, weights, manual, before, after)
        with self._locked() as c:
            self._tokenizer(c)
            return self._prompted(c, prompt, method, _count(which, "which"))

    def _prompted(self, c, prompt, method, which):
        layout = Layout()
        _call(_lib.sgf_prompt_layout, c.tokenizer, addressof(prompt), addressof(method), which, layout._at)
        layout.model = self.identity
        return layout

    def ask(self, method, paraphrases, **how):
        """The answer to one question in one or more wordings. Takes what `generate` takes."""
        return self.generate(method, [[paraphrases] if isinstance(paraphrases, str) else paraphrases], **how)[0]

    def generate(self, method, questions, *, which=0, instruction=INSTRUCTION, examples=(), weights=None, manual=None,
                 before="", after="", max_new_tokens=10, batch=16, on_step=None, **options):
        """The answers to many questions, each a list of paraphrases, as a list of texts. Up to `batch` questions are computed
        together, which changes no answer. The other arguments are those of `layout`.

        on_step(question, step, logits) is called with the logits of each next token, [V], which it may keep; it returns
        None, or the id that is to be taken instead of the most likely one."""
        method, strings = self._method(method, options), _Strings()
        batch, room = max(1, _count(batch, "batch")), _count(max_new_tokens, "max_new_tokens", 1 << 20)
        which = _count(which, "which")
        if on_step is not None and not callable(on_step):
            raise ValueError(f"on_step must be a function; this is {type(on_step).__name__}")
        prompts = [strings.prompt(q, instruction, examples, weights, manual, before, after) for q in _items(questions, "questions")]
        kind, answers = _ENUMS["contexts"][method.contexts], []
        for first in range(0, len(prompts), batch):
            some = prompts[first:first + batch]
            with self._locked() as c:
                self._tokenizer(c)
                answers += self._answers(c, some, kind, method, which, room, first, on_step)
        return answers

    def _answers(self, c, prompts, kind, method, which, room, first, on_step):
        kept, failed, V = [], [], self.vocab_size
        tasks, ids = (sgf_task * len(prompts))(), np.zeros((len(prompts), room), np.int32)
        for i, prompt in enumerate(prompts):
            each = range(prompt.paraphrases) if kind == "ensemble" else [which if kind == "single" else 0]
            layouts = [self._prompted(c, prompt, method, w) for w in each]
            contexts = (sgf_layout * len(layouts))(*[layout._c for layout in layouts])  # borrowed: `layouts` own them
            kept += [layouts, contexts]
            weighted = kind == "ensemble" and prompt.weight
            tasks[i] = sgf_task(context=addressof(contexts), contexts=len(layouts), combine=method.combine,
                                weight=prompt.weight if weighted else None, ids=ids[i].ctypes.data, max_new_tokens=room,
                                decoding=method.decoding)

        def step(_, task, number, logits, chosen):
            try:
                other = on_step(first + task, number, np.ctypeslib.as_array(logits, (V,)).copy())
                if other is not None:
                    chosen[0] = _count(other, "the id that on_step returns", V - 1)
                return 0
            except BaseException as problem:  # it cannot pass through C
                failed.append(problem)
                return 1

        try:
            _call(_lib.sgf_generate, self._run(), tasks, len(prompts), _STEP(step) if on_step else None, None)
        except Error:
            if failed:
                raise failed[0] from None
            raise
        answers = []
        for i, task in enumerate(tasks):
            text = self._decoded(c, ids[i, :task.count], True).encode()
            text = ctypes.create_string_buffer(text, len(text) + 1)
            part = _lib.sgf_prediction_take(method.prediction, sgf_str(addressof(text), len(text) - 1))
            answers.append(ctypes.string_at(part.ptr, part.len).decode("utf-8", "replace") if part.len else "")
        return answers


class _Locked:
    """One call at a time; a sentence instead of a deadlock where on_step calls its own model."""

    def __init__(self, model):
        self.model = model

    def __enter__(self):
        if self.model._owner == threading.get_ident():
            raise ValueError("on_step cannot use the model that calls it")
        self.model._lock.acquire()
        self.model._owner = threading.get_ident()
        if self.model._c is None:
            self.__exit__()
            raise ValueError("this model is closed")
        return self.model._c

    def __exit__(self, *_):
        self.model._owner = None
        self.model._lock.release()
