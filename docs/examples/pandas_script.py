"""Two DataFrames asked as one database, and a DataFrame back: python docs/examples/pandas_script.py POLICY"""

import sys

import pandas as pd

import sqlrl

customers = pd.DataFrame({"id": [1, 2, 3], "name": ["Ann", "Bo", "Cy"], "country": ["Norway", "Peru", "Peru"]})
orders = pd.DataFrame({"customer_id": [1, 1, 2, 3, 3], "total": [10.0, 20.0, 5.0, 40.0, 2.5]})

with sqlrl.connect({"customers": customers, "orders": orders}, policy=sys.argv[1]) as shop:
    answer = shop.ask("How much was spent in each country?")
    if not answer:
        sys.exit(f"{answer.outcome}: {answer.message}")
    print(answer.query)
    spent = answer.to_pandas()
    print(spent.to_string(index=False))
    print("in all:", spent.iloc[:, 1].sum())
