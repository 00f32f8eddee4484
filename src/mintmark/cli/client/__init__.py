"""The commands of programs that call somebody's API: token, call, inspect, doctor, profile, agent, proxy.

They run where only the core is installed, and start fast: argparse, and of everything else only what a command needs.
"""
