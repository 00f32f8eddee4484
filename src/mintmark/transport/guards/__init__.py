"""The doors: one module for each framework, all in front of the same guard.

A door hands raw headers to the guard and gives the guard's answer in its framework's words. It decides
nothing, and imports no framework but its own.
"""
