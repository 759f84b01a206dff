"""Hidden checks, one file a task: fresh inputs from the grading seed, and what is right about the
replies. They run outside of the sandbox, and nothing of the candidate's runs here.
"""
