// Calls a virtual function of an object whose memory holds something else by now.
#include <cstdlib>
#include <cstring>
#include <new>

struct Device {
	virtual int read(int x) { return x; }
	virtual ~Device() {}
};

__attribute__((noinline)) int uses(Device *device, int x)
{
	return device->read(x) + 1;
}

int main(int argc, char **)
{
	void *memory = std::malloc(64);
	Device *volatile device = new (memory) Device;

	std::memset(memory, 'A', 64);
	return uses(device, argc) + 1;
}
