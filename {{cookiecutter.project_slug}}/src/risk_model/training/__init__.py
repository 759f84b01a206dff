"""Training: fitting, stopping, calibration and the choice of the champion.

How do the models learn, when do they stop, which one is used, and does its 20 % mean 20 %?
"""
