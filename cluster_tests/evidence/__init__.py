"""What is kept of a failure: everything that the nodes can still tell while the state is there.

``parts`` says what is read of whom, ``collecting`` reads it all side by side within a bounded time.
"""
