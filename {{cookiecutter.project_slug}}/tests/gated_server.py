"""What makes a test's server wait, for `running(..., before=...)`: a full one, or a slow model."""

# Scoring waits while there is a file "closed"; the n-th time it waits, a file "asked n" appears.
GATED = """
import time
from risk_model.core.package import ModelPackage
quick, folder = ModelPackage.scorer, Path(sys.argv[3]).parent
asked = 0
class Gated:
    def __set__(self, *_):  # else what quick keeps in the package would be read instead
        raise AttributeError
    def __get__(self, package, _):
        scorer = quick.__get__(package, _)
        def score(rows):
            global asked
            if (folder / "closed").exists():
                asked += 1
                (folder / f"asked {asked}").touch()
                while (folder / "closed").exists():
                    time.sleep(0.01)
            return scorer(rows)
        return score
ModelPackage.scorer = Gated()
"""


TWO_PLACES = """
import risk_model.deployment.package_input as i
i.Worker = lambda limit: admission.Worker(limit, places=2)
"""
