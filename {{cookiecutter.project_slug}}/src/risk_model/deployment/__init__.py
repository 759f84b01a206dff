"""How does the model reach patients, and what is kept of every answer it gave?"""
