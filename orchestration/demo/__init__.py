"""A Spacelift stand-in over made-up data with a fixed seed; used by the demo and by tests."""
