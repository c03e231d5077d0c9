"""The dashboard: the marts as one HTML file that needs no server and asks no other host for anything.

frames        rows as compact JSON, a long series as one row
periods       billing periods and pools, what a reader chooses from
usage_data    workers, minutes by run state, waiting, coverage: queries over the marts
billing_data  bills and shared-out cost: queries over the marts
theme         colours by name, what all charts have in common
usage_charts billing_charts    the charts as Vega-Lite, without data
tiles         headline figures and the table of bills, as HTML with exact numbers
page          everything put together; page.html, page.css and page.js beside it
dashboard_file    reading, building, writing the file whole
"""
