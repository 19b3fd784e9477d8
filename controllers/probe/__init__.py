"""Proof: what is declared is what the wire does.

`stations` says who there is; `declared` derives from the requests' own words who may reach whom, `planned` derives
the same from the rules of the approved plans, independently; `matrix` says what to try; `attacks` what no honest
guest does; `verdict` holds all of it against what real packets did. Pure: the sandbox sends the packets.
"""
