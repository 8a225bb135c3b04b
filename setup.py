"""Build the compiled core; without a C compiler the plain Python form is installed instead.

Every module of `papertape.core` is Cython in pure-Python mode: the same file compiles and runs as
it is. Each extension is optional, so a machine without a compiler gets a slower papertape, told so.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CORE = sorted(Path("src/papertape/core").glob("*.py"))
COMPILED = [path for path in CORE if path.stem != "__init__"]


class OptionalBuildExt(build_ext):
    """Compile what can be compiled and say plainly what could not."""

    def run(self) -> None:
        """Build all extensions; a missing compiler is a message, not a failure."""
        super().run()
        missing = [
            ext.name
            for ext in self.extensions
            if not Path(self.get_ext_fullpath(ext.name)).exists()
        ]
        if missing:
            sys.stderr.write(
                "papertape: no C compiler worked, so the core runs as plain Python "
                f"(same results, slower): {', '.join(missing)}\n"
            )


def extensions() -> list[Extension]:
    """Describe one optional extension per core module."""
    if os.environ.get("PAPERTAPE_NO_COMPILE"):
        return []
    from Cython.Build import cythonize  # noqa: PLC0415  build-time only

    compiled = cythonize(
        [
            Extension(
                "papertape.core." + path.stem,
                [path.as_posix()],
                # no fused multiply-add: floats of rules are those of plain Python, bit by bit
                extra_compile_args=["-O3", "-ffp-contract=off"] if os.name == "posix" else [],
            )
            for path in COMPILED
        ],
        build_dir="build/cython",
        language_level=3,
        compiler_directives={"cdivision": False, "boundscheck": True, "embedsignature": True},
    )
    for extension in compiled:
        extension.optional = True  # cythonize makes new ones and does not keep this
    return compiled


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalBuildExt})
