"""`python -m mmeval`: the command line, for `torchrun -m mmeval train ...`."""

from mmeval.cli import main

if __name__ == "__main__":
    main()
