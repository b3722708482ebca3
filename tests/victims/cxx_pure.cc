// Calls a pure virtual function from a constructor.
struct Base {
	Base() { init(); }
	virtual ~Base() = default;
	__attribute__((noinline)) void init() { setup(); }
	virtual void setup() = 0;
};

struct Derived : Base {
	int value = 0;
	void setup() override { value = 1; }
};

int main()
{
	Derived *volatile object = new Derived;
	return object->value + 1;
}
