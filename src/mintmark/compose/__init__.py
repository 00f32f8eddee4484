"""The only place that knows every part of a program: it makes the parts, hands them to each other and runs them."""
