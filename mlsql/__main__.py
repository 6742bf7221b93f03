"""``python -m mlsql``, the same as the command ``mlsql``."""

from mlsql.cli import main

if __name__ == "__main__":
    main(prog_name="mlsql")
