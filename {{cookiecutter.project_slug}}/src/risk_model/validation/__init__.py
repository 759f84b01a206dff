"""Does it hold elsewhere? Whatever trains or evaluates again, in other places, at other times, on
other samples.
"""
