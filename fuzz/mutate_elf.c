#include <elf.h>
#include <string.h>

#include "fuzz/fuzz.h"

size_t fuzz_mutate_elf(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	Elf64_Ehdr ehdr;
	Elf64_Shdr shdr;
	if (len < sizeof(ehdr) || seed % 16 == 0)
		return LLVMFuzzerMutate(data, len, max_len);
	memcpy(&ehdr, data, sizeof(ehdr));
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_shnum == 0 || ehdr.e_shoff > len ||
		len - ehdr.e_shoff < ehdr.e_shnum * sizeof(shdr))
		return LLVMFuzzerMutate(data, len, max_len);
	uint8_t *at = data + ehdr.e_shoff + seed / 16 % ehdr.e_shnum * sizeof(shdr);
	if (seed % 16 < 4) {
		(void)LLVMFuzzerMutate(at, sizeof(shdr), sizeof(shdr));
		return len;
	}
	memcpy(&shdr, at, sizeof(shdr));
	if (shdr.sh_type == SHT_NOBITS || shdr.sh_size == 0 || shdr.sh_offset > len ||
		shdr.sh_size > len - shdr.sh_offset) {
		(void)LLVMFuzzerMutate(data, sizeof(ehdr), sizeof(ehdr));
		return len;
	}
	(void)LLVMFuzzerMutate(data + shdr.sh_offset, shdr.sh_size, shdr.sh_size);
	return len;
}
