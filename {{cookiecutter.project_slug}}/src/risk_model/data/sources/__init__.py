"""The sources of data, one module each, with `load(settings) -> Cohort`.

Every source hands over `inputs` in the same form: numbers as float64 with NaN, booleans as float64
0, 1 or NaN, categories as text or None.
"""
