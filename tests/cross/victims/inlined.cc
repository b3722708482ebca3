// C++: null in a lambda called by a template; inlined functions, namespaces, a virtual call.
#include "freestanding.h"

namespace store
{

struct Visitor {
	virtual int visit(const int *item) = 0;
};

template <typename Function> struct Calling final : Visitor {
	Function function;
	explicit Calling(Function f) : function(f)
	{
	}
	NOINLINE int visit(const int *item) override
	{
		return function(item) + 1;
	}
};

template <typename T, int N> struct List {
	const T *items[N];
	NOINLINE int each(Visitor &visitor) const
	{
		int sum = 0;

		for (int i = 0; i < N; i++)
			sum += visitor.visit(items[i]);
		return sum;
	}
};

inline int value_of(const int *item)
{
	return *static_cast<const volatile int *>(item);
}

} // namespace store

static NOINLINE int total(const store::List<int, 3> &list, int scale)
{
	store::Calling visitor([scale](const int *item) { return store::value_of(item) * scale; });

	return list.each(visitor) + 1;
}

int victim_main(int argc, char **argv)
{
	const store::List<int, 3> list = {{&argc, const_cast<const int *>(nothing), &argc}};

	(void)argv;
	return total(list, argc) + 1;
}
