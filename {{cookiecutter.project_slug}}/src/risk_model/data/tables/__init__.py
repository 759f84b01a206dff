"""Tables as files: one reader for training, evaluation elsewhere and scoring.

A CSV or Parquet file is read in pieces; `cells` says what its cells mean by the rules that the
schema holds. Nothing here needs pandas, so a server can score files without it.
"""
