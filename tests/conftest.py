"""Settings of all tests."""

import os

# Two workers with as many threads each as there are cores wait for each other most of the time.
os.environ.setdefault('OMP_NUM_THREADS', '1')
