"""Every kind of closure rule, and what makes it met or not: name → row."""

from collections.abc import Mapping

from tests.domain.vectors.done import CODES, WORK
from tests.domain.vectors.filled_in import CHECKLISTS
from tests.domain.vectors.measured import MEASURED
from tests.domain.vectors.photographed import PHOTOS, SIGNATURES
from tests.domain.vectors.rows import Row

ROWS: Mapping[str, Row] = {**CHECKLISTS, **PHOTOS, **SIGNATURES, **CODES, **WORK, **MEASURED}
