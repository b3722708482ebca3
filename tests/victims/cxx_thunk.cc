// Null in a function called through thunks: second base class, virtual base class.
static volatile int *volatile nothing;

struct Base {
	int b = 1;
	virtual int call(int x) = 0;
	virtual ~Base() {}
};

struct Second {
	int s = 2;
	virtual int other(int x) = 0;
	virtual ~Second() {}
};

struct Derived : virtual Base, Second {
	__attribute__((noinline)) int call(int x) override { return *nothing + x; }
	__attribute__((noinline)) int other(int x) override;
};

int Derived::other(int x)
{
	Base *volatile base = this;

	return base->call(x) + s;
}

__attribute__((noinline)) int uses(Second *second, int x)
{
	return second->other(x) + 1;
}

int main(int argc, char **)
{
	Second *volatile second = new Derived;

	return uses(second, argc) + 1;
}
