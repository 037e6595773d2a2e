module example.com/rollcall

go 1.19
