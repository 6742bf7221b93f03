"""What spark-submit runs: the command line of mlsql inside the submitted driver."""

from mlsql.cli import main

main()
