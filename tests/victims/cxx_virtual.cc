// Crashes in a virtual function called from a loop over a std::map, in namespaces.
#include <map>
#include <memory>
#include <string>

namespace zoo {
namespace {

struct Animal {
	virtual ~Animal() = default;
	virtual int speak(const std::string &name) const = 0;
};

struct Dog : Animal {
	int *volatile bone = nullptr;
	__attribute__((noinline)) int speak(const std::string &name) const override
	{
		return *bone + static_cast<int>(name.size());
	}
};

struct Cat : Animal {
	__attribute__((noinline)) int speak(const std::string &name) const override
	{
		return static_cast<int>(name.size());
	}
};

class Keeper {
public:
	void add(std::string name, std::unique_ptr<Animal> animal) { animals_[std::move(name)] = std::move(animal); }
	__attribute__((noinline)) int visit_all() const
	{
		int sum = 0;
		for (const auto &[name, animal] : animals_)
			sum += animal->speak(name);
		return sum;
	}

private:
	std::map<std::string, std::unique_ptr<Animal>> animals_;
};

} // namespace
} // namespace zoo

int main()
{
	zoo::Keeper keeper;
	keeper.add("a cat", std::make_unique<zoo::Cat>());
	keeper.add("the dog", std::make_unique<zoo::Dog>());
	return keeper.visit_all() + 1;
}
